/*
 * What the kernels of recurrent cells share: the walk over steps, the product with the recurrent kernel for all rows of a step at
 * once, and its gradient for all steps at once. The kernel is packed once for all steps (gemm.h), and threads share the rows: each
 * takes a block of them through the whole sequence. Letters, order of buffers and formulas: src/engine/ops/recurrence.ts and
 * src/engine/ops/recurrent-op.ts. Everything saved lies in order of time, (rows, steps, ...).
 */
#ifndef ALMA_RECURRENCE_H
#define ALMA_RECURRENCE_H

#include "cell-activations.h"
#include "gemm.h"

typedef struct {
  int64_t first, rows, steps, output_steps, units, width;
  int activation, gate;
  int backwards, in_time_order, initial;
  const float *mask, *dropout;
  float *scratch;
} Walk;

INLINE Walk walk_of(const int64_t *dims, const double *scalars, const float *dropout, const float *mask, Step *step) {
  return (Walk){0, dims[0], dims[1], dims[2], dims[3], dims[4], (int)scalars[0], (int)scalars[1], scalars[2] == 1, scalars[3] == 1,
                scalars[4] == 1, mask, dropout, step->scratch};
}

/* Where the rows of a walk begin in a buffer of `values` per row; NULL when there is none. */
INLINE float *rows_of(void *buffer, const Walk *w, int64_t values) { return buffer == NULL ? NULL : (float *)buffer + w->first * values; }

/* A walk of some rows through the whole sequence. */
typedef void (*WalkFunction)(const Walk *walk, void *const *buffers);

typedef struct {
  const Walk *whole;
  WalkFunction function;
  void *const *buffers;
  int64_t rows;
} Blocks;

static void walk_block(void *context, int64_t index, float *scratch) {
  const Blocks *blocks = context;
  Walk w = *blocks->whole;
  w.first = index * blocks->rows;
  w.rows = smaller(blocks->rows, w.rows - w.first);
  w.mask = rows_of((void *)w.mask, &w, w.steps);
  w.dropout = rows_of((void *)w.dropout, &w, w.units);
  w.scratch = scratch;
  blocks->function(&w, blocks->buffers);
}

/* Rows of one block: more of them read the kernel less often. Below so many multiply-adds nobody else is woken. */
#define BLOCK_ROWS 32
#define SHARED_WALK 200000

/* All rows, by all threads of the step. No row knows of another, so it does not matter who takes which. */
static void walk_rows(const Walk *w, WalkFunction function, void *const *buffers, Step *step) {
  const int is_shared = step->pool != NULL && w->rows * w->steps * w->units * w->width >= SHARED_WALK;
  Blocks blocks = {w, function, buffers, w->rows};
  if (is_shared) blocks.rows = part_of(w->rows, w->rows >= 2 * BLOCK_ROWS ? BLOCK_ROWS : BLOCK_ROWS / 2, 1);
  run_tasks(step, walk_block, &blocks, w->rows == 0 ? 0 : (w->rows + blocks.rows - 1) / blocks.rows);
}

/* Time of the p-th step read. */
INLINE int64_t time_of(const Walk *w, int64_t p) { return w->backwards ? w->steps - 1 - p : p; }
INLINE int64_t output_of(const Walk *w, int64_t row, int64_t p) {
  const int64_t step = w->output_steps == 1 ? 0 : w->in_time_order ? time_of(w, p) : p;
  return (row * w->output_steps + step) * w->units;
}
INLINE int is_masked(const Walk *w, int64_t at) { return w->mask != NULL && w->mask[at] == 0.0f; }

/* Whether any step up to the p-th counts. */
static int has_started(const Walk *w, int64_t row, int64_t p) {
  while (p >= 0 && is_masked(w, row * w->steps + time_of(w, p))) p--;
  return p >= 0;
}

INLINE void clear_row(float *row, int64_t n) { memset(row, 0, (size_t)n * sizeof(float)); }
INLINE void copy_row(float *to, const float *from, int64_t n) { memcpy(to, from, (size_t)n * sizeof(float)); }

INLINE void start_from(float *running, const float *from, const Walk *w) {
  if (from == NULL) clear_row(running, w->rows * w->units);
  else copy_row(running, from, w->rows * w->units);
}

/* to = a * b, n values. */
static void multiply_rows(const float *a, const float *b, float *to, int64_t n) {
  FOR_VECTORS(at, count, n) store_at(to + at, load_at(a + at, count) * load_at(b + at, count), count);
}

/* to += a * b, n values; b may be NULL for ones. */
static void add_product(const float *a, const float *b, float *to, int64_t n) {
  FOR_VECTORS(at, count, n) {
    const Vec sum = load_at(to + at, count), factor = load_at(a + at, count);
    store_at(to + at, b == NULL ? sum + factor : multiply_add(factor, load_at(b + at, count), sum), count);
  }
}

/* to += a, n values. */
static void add_row(const float *a, float *to, int64_t n) { add_product(a, NULL, to, n); }

/* The running state of every row goes to where it is saved before the p-th step. */
static void save_state(const Walk *w, int64_t p, const float *running, float *saved) {
  for (int64_t row = 0; row < w->rows; row++)
    copy_row(saved + (row * w->steps + time_of(w, p)) * w->units, running + row * w->units, w->units);
}

/* `columns` columns of the kernel from `from`, for feed_columns. */
static void pack_forward(const Walk *w, const float *kernel, int64_t from, int64_t columns, float *packed) {
  pack_whole((Matrix){kernel + from, w->width, 1}, w->units, columns, packed);
}

/* Their transpose, for feed_backward. */
static void pack_backward(const Walk *w, const float *kernel, int64_t from, int64_t columns, float *packed) {
  pack_whole((Matrix){kernel + from, 1, w->width}, columns, w->units, packed);
}

/* to (rows, columns) = a times columns of the kernel. */
static void feed_columns(const Walk *w, Matrix a, const float *packed, int64_t columns, float *to) {
  multiply_into(&(Product){.m = w->rows, .n = columns, .k = w->units, .a = a, .packed_b = packed, .c = to, .c_row = columns}, w->scratch);
}

/* product (rows, width) = (h d) U; `fed` has room for h d. */
static void feed_forward(const Walk *w, const float *h, const float *packed, float *product, float *fed) {
  if (w->dropout != NULL) multiply_rows(h, w->dropout, fed, w->rows * w->units);
  feed_columns(w, (Matrix){w->dropout == NULL ? h : fed, w->units, 1}, packed, w->width, product);
}

/* to (rows, units) = dz U^T over `columns` columns from `from`, at the p-th step. */
static void feed_backward(const Walk *w, int64_t p, const float *dz, const float *packed, int64_t from, int64_t columns, float *to) {
  const Matrix a = {dz + time_of(w, p) * w->width + from, w->steps * w->width, 1};
  multiply_into(&(Product){.m = w->rows, .n = w->units, .k = columns, .a = a, .packed_b = packed, .c = to, .c_row = w->units}, w->scratch);
}

/* Output of the p-th step: the state, or zero while no step has counted. */
static void put_outputs(const Walk *w, int64_t p, const float *h, float *y) {
  for (int64_t row = 0; row < w->rows; row++) {
    float *to = y + output_of(w, row, p);
    if (!w->initial || w->mask == NULL || has_started(w, row, p)) copy_row(to, h + row * w->units, w->units);
    else clear_row(to, w->units);
  }
}

/* Gradients of the outputs of the p-th step join those of the state. */
static void take_gradients(const Walk *w, int64_t p, const float *dy, float *dh) {
  if (dy == NULL || (w->output_steps == 1 && p < w->steps - 1)) return;
  for (int64_t row = 0; row < w->rows; row++)
    if (!w->initial || w->mask == NULL || has_started(w, row, p)) add_row(dy + output_of(w, row, p), dh + row * w->units, w->units);
}

/* dh += d (fed U^T): what came back through the product. Skipped rows have no gradient of their own and keep theirs. */
static void return_gradients(const Walk *w, const float *fed, float *dh) { add_product(fed, w->dropout, dh, w->rows * w->units); }

/* dU = (h d)^T dz over `columns` columns from `from`, over all rows and steps. `fed` has room for h d. */
static void kernel_gradient(const Walk *w, const float *before, const float *dropout, const float *dz, int64_t from, int64_t columns,
                            float *fed, float *d_kernel, Step *step) {
  if (d_kernel == NULL) return;
  if (dropout != NULL)
    for (int64_t at = 0; at < w->rows * w->steps; at++)
      multiply_rows(before + at * w->units, dropout + at / w->steps * w->units, fed + at * w->units, w->units);
  multiply_shared(&(Product){.m = w->units,
                             .n = columns,
                             .k = w->rows * w->steps,
                             .a = {dropout == NULL ? before : fed, 1, w->units},
                             .b = {dz + from, w->width, 1},
                             .c = d_kernel + from,
                             .c_row = w->width},
                  step);
}

/* y[i,k] = x[i,t-1-k], x (n, t, c). */
static void reverse_time(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t n = dims[0], t = dims[1], c = dims[2];
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = 0; i < n; i++)
    for (int64_t k = 0; k < t; k++) copy_row(y + (i * t + k) * c, x + (i * t + t - 1 - k) * c, c);
}

#endif
