/*
 * Convolution as a product of matrices (Chellapilla, Puri and Simard 2006), for any strides, dilations and groups: the cells below a
 * block of positions are copied to the rows of a matrix (block, r s d), which meets the kernel (r s d, f) as it lies. The sums go on from
 * block to block, so that how positions are cut into blocks changes no bit. A 1x1 window needs no copy.
 */
#ifndef ALMA_CONVOLUTION_LOWERED_H
#define ALMA_CONVOLUTION_LOWERED_H

#include "convolution-sizes.h"
#include "gemm.h"

/* Positions lowered at once: as many as the room holds. */
INLINE int64_t lowered_block(const Convolution *conv) {
  const int64_t block = is_pointwise(conv) || conv->taps == 0 ? conv->positions : conv->room / conv->taps;
  return block < 1 ? 1 : block;
}

/* memcpy is a call; most runs are a few floats. */
INLINE void copy_floats(float *to, const float *from, int64_t count) {
  if (count >= 2 * LANES) memcpy(to, from, (size_t)count * sizeof(float));
  else
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
}

INLINE void zero_floats(float *to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = 0;
}

INLINE void add_floats(float *to, const float *from, int64_t count) {
  FOR_VECTORS(at, some, count) store_at(to + at, load_at(to + at, some) + load_at(from + at, some), some);
}

/* Whether the cells below a row of taps lie side by side in x. */
INLINE int is_contiguous(const Convolution *conv) { return conv->groups == 1 && conv->window.dilation_w == 1; }

/* Rows of the lowered matrix for `count` positions from `from`, channels of one group. */
static void lower(const Convolution *conv, const float *x, int64_t group, int64_t from, int64_t count, float *rows) {
  const Window *g = &conv->window;
  const int64_t d = conv->d, line = g->s * d;
  for (int64_t position = from; position < from + count; position++) {
    const Place place = place_of(g, position);
    for (int64_t i = 0; i < g->r; i++, rows += line) {
      if (i < place.top || i >= place.bottom || place.left >= place.right) {
        zero_floats(rows, line);
        continue;
      }
      zero_floats(rows, place.left * d);
      if (is_contiguous(conv)) copy_floats(rows + place.left * d, x + cell_below(g, &place, i, place.left), (place.right - place.left) * d);
      else
        for (int64_t j = place.left; j < place.right; j++) copy_floats(rows + j * d, x + cell_below(g, &place, i, j) + group * d, d);
      zero_floats(rows + place.right * d, line - place.right * d);
    }
  }
}

/* The transpose of `lower`: adds the rows to the cells they would be copied from. */
static void raise(const Convolution *conv, const float *rows, int64_t group, int64_t from, int64_t count, float *dx) {
  const Window *g = &conv->window;
  const int64_t d = conv->d;
  for (int64_t position = from; position < from + count; position++, rows += conv->taps) {
    const Place place = place_of(g, position);
    for (int64_t i = place.top; i < place.bottom; i++) {
      const float *line = rows + i * g->s * d;
      if (place.left >= place.right) continue;
      if (is_contiguous(conv)) add_floats(dx + cell_below(g, &place, i, place.left), line + place.left * d, (place.right - place.left) * d);
      else
        for (int64_t j = place.left; j < place.right; j++) add_floats(dx + cell_below(g, &place, i, j) + group * d, line + j * d, d);
    }
  }
}

/* The lowered matrix of a block: x itself where the window is one cell. */
INLINE Matrix lowered(const Convolution *conv, const float *x, int64_t group, int64_t from, int64_t count, float *room) {
  if (is_pointwise(conv)) return (Matrix){x + from * conv->window.c + group * conv->d, conv->window.c, 1};
  lower(conv, x, group, from, count, room);
  return (Matrix){room, conv->taps, 1};
}

static void convolution_lowered(const Convolution *conv, const float *x, const float *kernel, const float *bias, float *y, float *room, Step *step) {
  const int64_t block = lowered_block(conv);
  for (int64_t from = 0; from < conv->positions; from += block) {
    const int64_t count = smaller(block, conv->positions - from);
    for (int64_t group = 0; group < conv->groups; group++)
      multiply_shared(&(Product){.m = count, .n = conv->group_f, .k = conv->taps,
                                 .a = lowered(conv, x, group, from, count, room),
                                 .b = {kernel + group * conv->group_f, conv->f, 1},
                                 .init = bias == NULL ? NULL : bias + group * conv->group_f,
                                 .c = y + from * conv->f + group * conv->group_f, .c_row = conv->f,
                                 .activation = conv->activation},
                      step);
  }
}

/* dx += the rows dy W^T, raised. */
static void lowered_grad_input(const Convolution *conv, const float *dy, const float *kernel, float *dx, float *room, Step *step) {
  const int64_t block = lowered_block(conv), c = conv->window.c;
  const int in_place = is_pointwise(conv);
  for (int64_t from = 0; from < conv->positions; from += block) {
    const int64_t count = smaller(block, conv->positions - from);
    for (int64_t group = 0; group < conv->groups; group++) {
      multiply_shared(&(Product){.m = count, .n = conv->taps, .k = conv->group_f,
                                 .a = {dy + from * conv->f + group * conv->group_f, conv->f, 1},
                                 .b = {kernel + group * conv->group_f, 1, conv->f},
                                 .c = in_place ? dx + from * c + group * conv->d : room,
                                 .c_row = in_place ? c : conv->taps,
                                 .accumulate = in_place},
                      step);
      if (!in_place) raise(conv, room, group, from, count, dx);
    }
  }
}

/* dkernel += lowered^T dy, summed over the positions in order. */
static void lowered_grad_kernel(const Convolution *conv, const float *x, const float *dy, float *dkernel, float *room, Step *step) {
  const int64_t block = lowered_block(conv);
  for (int64_t from = 0; from < conv->positions; from += block) {
    const int64_t count = smaller(block, conv->positions - from);
    for (int64_t group = 0; group < conv->groups; group++) {
      const Matrix rows = lowered(conv, x, group, from, count, room);
      multiply_shared(&(Product){.m = conv->taps, .n = conv->group_f, .k = count,
                                 .a = {rows.data, 1, rows.row},
                                 .b = {dy + from * conv->f + group * conv->group_f, conv->f, 1},
                                 .c = dkernel + group * conv->group_f, .c_row = conv->f, .accumulate = 1},
                      step);
    }
  }
}

#endif
