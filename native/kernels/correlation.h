/*
 * Correlation without a lowered matrix: y (n, p, q, f) = bias + the windows of x (n, h, w, c) times a kernel, one group, no dilation.
 *
 * The windows of one row of positions are the rows of a matrix that overlap in memory: position q + 1 begins stride_w c floats after
 * position q, and the taps of one line (s, c) lie side by side. A strided tile multiplies them where they are. Only where windows reach
 * outside is a patch of x copied with zeros around it; with few channels or large strides nothing else is needed. The same patches give
 * the gradient of the kernel. Zhang, Franchetti and Low, "High performance zero-memory overhead direct convolutions", ICML 2018.
 *
 * A task is a band of positions of one row of the batch (forward), or a fixed part of the batch (gradient), whose sums are added in order.
 */
#ifndef ALMA_CORRELATION_H
#define ALMA_CORRELATION_H

#include "../pool.h"
#include "gemm.h"
#include "strided-tile.h"
#include "window.h"

#define SCRATCH_FLOATS ((int64_t)(SCRATCH_BYTES / sizeof(float)))
/* A patch and what is multiplied with it should stay in the first-level cache or close to it. */
#define PATCH_FLOATS 16384
/* Parts of the batch whose gradients are summed apart. */
#define PARTS_MAX 8

typedef struct {
  Window window;
  int64_t f;
  const float *x;
  /* The weight of (tap, channel, filter) lies at kernel + tap * of_tap + channel * of_channel + filter * of_filter. */
  const float *kernel;
  int64_t of_tap, of_channel, of_filter;
  /* f of them, or NULL. */
  const float *bias;
  float *y;
  float *room;
  /* Of y, by its code in cell-activations.h: 0 is none. */
  int activation;
} Correlation;

/* Cells from the first to the last below a row of positions. */
INLINE int64_t patch_width(const Window *g) { return (g->q - 1) * g->stride_w + g->s; }

INLINE int is_inside(const Window *g) {
  return g->before_h == 0 && g->before_w == 0 && (g->p - 1) * g->stride_h + g->r <= g->h && patch_width(g) <= g->w;
}

/* Floats a band of `rows` rows of positions takes: its patch, and its values of y in whole panels. */
INLINE int64_t band_floats(const Window *g, int64_t f, int64_t rows) {
  return ((rows - 1) * g->stride_h + g->r) * patch_width(g) * g->c + rows * g->q * whole_panels(f, PANEL_MAX);
}

INLINE int64_t band_rows(const Window *g, int64_t f) {
  int64_t rows = 1;
  while (rows < g->p && band_floats(g, f, rows + 1) <= PATCH_FLOATS) rows++;
  return rows;
}

/* Whether a band fits the scratch of a thread. */
INLINE int is_correlated_directly(const Window *g, int64_t f) {
  return g->dilation_h == 1 && g->dilation_w == 1 && g->before_h >= 0 && g->before_w >= 0 && g->before_h < g->r && g->before_w < g->s &&
         band_floats(g, f, 1) <= SCRATCH_FLOATS;
}

/* The cell below tap 0 of the first position of a band; rows of cells are `row` floats apart. */
typedef struct {
  const float *data;
  int64_t row;
} Patch;

/* What lies below `rows` rows of positions from `from`: x (h, w, c) itself where no window reaches outside, else a copy in `room`. */
static Patch patch_of(const Window *g, const float *x, int64_t from, int64_t rows, float *room) {
  if (is_inside(g)) return (Patch){x + from * g->stride_h * g->w * g->c, g->w * g->c};
  const int64_t c = g->c, width = patch_width(g), height = (rows - 1) * g->stride_h + g->r;
  const int64_t before = smaller(g->before_w, width), within = smaller(g->w, width - before), after = width - before - within;
  float *to = room;
  for (int64_t i = 0; i < height; i++, to += width * c) {
    const int64_t y = from * g->stride_h - g->before_h + i;
    if (y < 0 || y >= g->h) {
      memset(to, 0, (size_t)(width * c) * sizeof(float));
      continue;
    }
    memset(to, 0, (size_t)(before * c) * sizeof(float));
    memcpy(to + before * c, x + y * g->w * c, (size_t)(within * c) * sizeof(float));
    memset(to + (before + within) * c, 0, (size_t)(after * c) * sizeof(float));
  }
  return (Patch){room, width * c};
}

/* The kernel in panels (r s c, STRIDED_COLUMNS) of filters, zeros beyond the last. */
static void pack_filters(const Correlation *of) {
  const int64_t taps = of->window.r * of->window.s, c = of->window.c;
  float *to = of->room;
  for (int64_t from = 0; from < of->f; from += STRIDED_COLUMNS) {
    const int64_t columns = smaller(STRIDED_COLUMNS, of->f - from);
    for (int64_t tap = 0; tap < taps; tap++)
      for (int64_t channel = 0; channel < c; channel++, to += STRIDED_COLUMNS) {
        const float *weights = of->kernel + tap * of->of_tap + channel * of->of_channel + from * of->of_filter;
        for (int64_t j = 0; j < STRIDED_COLUMNS; j++) to[j] = j < columns ? weights[j * of->of_filter] : 0;
      }
  }
}

static void correlate_band(void *context, int64_t index, float *scratch) {
  static const float zeros[STRIDED_COLUMNS];
  const Correlation *of = context;
  const Window *g = &of->window;
  const int64_t band = band_rows(g, of->f), bands = (g->p + band - 1) / band, line = g->s * g->c;
  const int64_t row = index / bands, from = index % bands * band, rows = smaller(band, g->p - from);
  const Patch patch = patch_of(g, of->x + row * g->h * g->w * g->c, from, rows, scratch);
  float *y = of->y + (row * g->p + from) * g->q * of->f;
  for (int64_t filter = 0; filter < of->f; filter += STRIDED_COLUMNS)
    for (int64_t i = 0; i < rows; i++)
      multiply_strided(g->q, smaller(STRIDED_COLUMNS, of->f - filter),
                       (StridedTile){.outer = g->r,
                                     .depth = line,
                                     .a = patch.data + i * g->stride_h * patch.row,
                                     .a_row = g->stride_w * g->c,
                                     .a_step = 1,
                                     .a_outer = patch.row,
                                     .b = of->room + filter * g->r * line,
                                     .b_step = STRIDED_COLUMNS,
                                     .b_outer = line * STRIDED_COLUMNS,
                                     .init = of->bias == NULL ? zeros : of->bias + filter,
                                     .c = y + i * g->q * of->f + filter,
                                     .c_row = of->f});
  activate_rows(of->activation, y, rows * g->q, of->f, of->f);
}

/* Room: r s c times f in whole panels. */
static void correlate(const Correlation *of, Step *step) {
  const Window *g = &of->window;
  const int64_t band = band_rows(g, of->f);
  pack_filters(of);
  run_tasks(step, correlate_band, (void *)of, g->n * ((g->p + band - 1) / band));
}

/* Gradient of the kernel (r, s, c, f), and what it is summed from. */
typedef struct {
  Window window;
  int64_t f;
  const float *x, *dy;
  float *dkernel;
  /* One sum per part, of `size` floats. */
  float *room;
  int64_t parts, size;
} KernelGradient;

/* The first row of the batch in a part, and the one after its last. */
INLINE int64_t part_begins(const KernelGradient *of, int64_t part) { return of->window.n * part / of->parts; }

/* How many parts the room is enough for: a matter of sizes alone. */
INLINE int64_t parts_of(int64_t rows, int64_t room, int64_t size) {
  const int64_t parts = smaller(smaller(PARTS_MAX, rows), room / size);
  return parts < 1 ? 1 : parts;
}

/* Values of dy (positions, f) in rows of whole vectors. */
static const float *whole_vectors(const float *dy, int64_t positions, int64_t f, float *room) {
  const int64_t width = whole_panels(f, WIDTH);
  if (width == f) return dy;
  for (int64_t i = 0; i < positions; i++)
    for (int64_t j = 0; j < width; j++) room[i * width + j] = j < f ? dy[i * f + j] : 0;
  return room;
}

static void sum_band(const KernelGradient *of, int64_t row, int64_t from, int64_t rows, float *sums, float *scratch) {
  const Window *g = &of->window;
  const int64_t line = g->s * g->c, width = whole_panels(of->f, WIDTH);
  const Patch patch = patch_of(g, of->x + row * g->h * g->w * g->c, from, rows, scratch);
  float *behind = scratch + (is_inside(g) ? 0 : ((rows - 1) * g->stride_h + g->r) * patch.row);
  const float *dy = whole_vectors(of->dy + (row * g->p + from) * g->q * of->f, rows * g->q, of->f, behind);
  for (int64_t i = 0; i < g->r; i++)
    for (int64_t filter = 0; filter < width; filter += STRIDED_COLUMNS) {
      float *to = sums + i * line * width + filter;
      multiply_strided(line, smaller(STRIDED_COLUMNS, width - filter),
                       (StridedTile){.outer = rows,
                                     .depth = g->q,
                                     .a = patch.data + i * patch.row,
                                     .a_row = 1,
                                     .a_step = g->stride_w * g->c,
                                     .a_outer = g->stride_h * patch.row,
                                     .b = dy + filter,
                                     .b_step = width,
                                     .b_outer = g->q * width,
                                     .init = to,
                                     .init_row = width,
                                     .c = to,
                                     .c_row = width});
    }
}

static void sum_part(void *context, int64_t part, float *scratch) {
  const KernelGradient *of = context;
  const Window *g = &of->window;
  const int64_t band = band_rows(g, of->f);
  float *sums = of->room + part * of->size;
  memset(sums, 0, (size_t)of->size * sizeof(float));
  for (int64_t row = part_begins(of, part); row < part_begins(of, part + 1); row++)
    for (int64_t from = 0; from < g->p; from += band) sum_band(of, row, from, smaller(band, g->p - from), sums, scratch);
}

/* Adds the parts in order, for one tap. */
static void add_parts(void *context, int64_t tap, float *scratch) {
  (void)scratch;
  const KernelGradient *of = context;
  const int64_t c = of->window.c, width = whole_panels(of->f, WIDTH);
  for (int64_t i = tap * c; i < (tap + 1) * c; i++)
    FOR_VECTORS(at, count, of->f) {
      Vec sum = load(of->room + i * width + at);
      for (int64_t part = 1; part < of->parts; part++) sum += load(of->room + part * of->size + i * width + at);
      store_at(of->dkernel + i * of->f + at, sum, count);
    }
}

/* Room for a part: r s c times f in whole panels. */
static void correlate_grad_kernel(const Window *g, int64_t f, const float *x, const float *dy, float *dkernel, float *room, int64_t floats, Step *step) {
  KernelGradient of = {.window = *g, .f = f, .x = x, .dy = dy, .dkernel = dkernel, .room = room,
                       .size = g->r * g->s * g->c * whole_panels(f, PANEL_MAX)};
  of.parts = parts_of(g->n, floats, of.size);
  run_tasks(step, sum_part, &of, of.parts);
  run_tasks(step, add_parts, &of, g->r * g->s);
}

#endif
