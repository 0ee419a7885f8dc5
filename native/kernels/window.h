/*
 * Windows that move over the height and width of x (n, h, w, c), shared by convolution and pooling. Order of sizes and scalars:
 * src/engine/ops/window.ts. A position of the window has a place in (n, p, q); tap (i, j) of it lies over cell (y + i dilation_h,
 * x + j dilation_w), which may be outside.
 */
#ifndef ALMA_WINDOW_H
#define ALMA_WINDOW_H

#include "vector.h"

typedef struct {
  int64_t n, h, w, c, p, q, r, s;
  int64_t stride_h, stride_w, dilation_h, dilation_w, before_h, before_w;
} Window;

INLINE Window window_of(const int64_t *dims, int64_t r, int64_t s, const double *scalars) {
  return (Window){dims[0], dims[1], dims[2], dims[3], dims[4], dims[5], r, s,
                  (int64_t)scalars[0], (int64_t)scalars[1], (int64_t)scalars[2], (int64_t)scalars[3], (int64_t)scalars[4], (int64_t)scalars[5]};
}

/* Where a position's window begins, and the taps from `top` to `bottom` and `left` to `right` (exclusive) that lie inside. */
typedef struct {
  int64_t row, y, x;
  int64_t top, bottom, left, right;
} Place;

/* First tap at or after cell 0, when tap 0 lies at `from`. */
INLINE int64_t first_inside(int64_t from, int64_t dilation) { return from >= 0 ? 0 : (-from + dilation - 1) / dilation; }

/* First tap at or after cell `end`, at most `taps`. */
INLINE int64_t first_beyond(int64_t from, int64_t dilation, int64_t end, int64_t taps) {
  const int64_t beyond = from >= end ? 0 : (end - from + dilation - 1) / dilation;
  return beyond < taps ? beyond : taps;
}

INLINE Place place_of(const Window *g, int64_t position) {
  const int64_t row = position / (g->p * g->q), in_row = position % (g->p * g->q);
  const int64_t y = in_row / g->q * g->stride_h - g->before_h, x = in_row % g->q * g->stride_w - g->before_w;
  return (Place){.row = row, .y = y, .x = x,
                 .top = first_inside(y, g->dilation_h), .bottom = first_beyond(y, g->dilation_h, g->h, g->r),
                 .left = first_inside(x, g->dilation_w), .right = first_beyond(x, g->dilation_w, g->w, g->s)};
}

/* Index of the first channel of the cell below a tap. */
INLINE int64_t cell_below(const Window *g, const Place *place, int64_t i, int64_t j) {
  return ((place->row * g->h + place->y + i * g->dilation_h) * g->w + place->x + j * g->dilation_w) * g->c;
}

#endif
