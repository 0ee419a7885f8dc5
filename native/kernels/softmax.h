/*
 * softmax and log_softmax over the last axis, x (m, n), in place if wanted. The largest logit is subtracted first.
 * Formulas and order of arguments: src/engine/ops/softmax.ts.
 *
 * Rows of at most FEW columns are taken LANES at a time, a row per lane, with sums in order of the columns; the lanes of longer rows are
 * columns, with LANES partial sums. Both are the same at every vector width.
 */
#ifndef ALMA_SOFTMAX_H
#define ALMA_SOFTMAX_H

#include "elementary.h"

#define FEW 32

/* The highest of a and b, NaN if one is. */
INLINE Vec highest_of(Vec a, Vec b) { return choose((Mask)(a >= b) | (Mask)(a != a), a, b); }

INLINE float row_maximum(const float *x, int64_t n) {
  const float lowest = -__builtin_inff();
  Lanes best = splat_lanes(lowest);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes next = load_lanes(x + j, n - j, lowest);
    for (int i = 0; i < LANE_VECTORS; i++) best.part[i] = highest_of(best.part[i], next.part[i]);
  }
  return max_lanes(best);
}

/* e[j] = e^(x[j] - shift), and their sum; missing lanes hold -infinity and add 0. */
INLINE float row_exponentials(const float *x, float *e, int64_t n, float shift) {
  Lanes sum = splat_lanes(0);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes next = load_lanes(x + j, n - j, -__builtin_inff());
    for (int i = 0; i < LANE_VECTORS; i++) {
      const int64_t at = j + i * WIDTH, left = n - at;
      const Vec value = exponential(next.part[i] - splat(shift));
      sum.part[i] += value;
      if (left > 0) store_at(e + at, value, left < WIDTH ? left : WIDTH);
    }
  }
  return sum_lanes(sum);
}

INLINE float scalar_logarithm(float x) { return logarithm(splat(x))[0]; }

/* What a row needs beside its exponentials. */
typedef struct {
  float shift, sum, log_sum;
} RowSoftmax;

/* LANES rows of at most FEW columns: column j of row r at [j][r]. Missing rows are zeros. */
typedef struct {
  float columns[FEW][LANES];
} FewColumns;

INLINE int64_t rows_left(int64_t m, int64_t row) { return m - row < LANES ? m - row : LANES; }

INLINE void read_rows(const float *x, int64_t rows, int64_t n, FewColumns *few) {
  if (rows < LANES) memset(few->columns, 0, (size_t)n * sizeof(few->columns[0]));
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < n; j++) few->columns[j][r] = x[r * n + j];
}

INLINE void write_rows(const FewColumns *few, int64_t rows, int64_t n, float *x) {
  for (int64_t r = 0; r < rows; r++)
    for (int64_t j = 0; j < n; j++) x[r * n + j] = few->columns[j][r];
}

/* The columns become softmax(columns); rows[r] says of row r what the losses need. */
INLINE void softmax_few(FewColumns *few, int64_t n, RowSoftmax rows[LANES]) {
  for (int v = 0; v < LANES; v += WIDTH) {
    Vec shift = load(few->columns[0] + v), sum = splat(0.0f);
    for (int64_t j = 1; j < n; j++) shift = highest_of(shift, load(few->columns[j] + v));
    for (int64_t j = 0; j < n; j++) {
      const Vec e = exponential(load(few->columns[j] + v) - shift);
      store(few->columns[j] + v, e);
      sum += e;
    }
    for (int64_t j = 0; j < n; j++) store(few->columns[j] + v, load(few->columns[j] + v) / sum);
    const Vec log_sum = logarithm(sum);
    for (int lane = 0; lane < WIDTH; lane++) rows[v + lane] = (RowSoftmax){shift[lane], sum[lane], log_sum[lane]};
  }
}

/* p (rows, n) = softmax(z (rows, n)) for up to LANES rows. */
INLINE void softmax_rows(const float *z, float *p, int64_t rows, int64_t n, RowSoftmax each[LANES]) {
  if (n >= 1 && n <= FEW) {
    FewColumns few;
    read_rows(z, rows, n, &few);
    softmax_few(&few, n, each);
    write_rows(&few, rows, n, p);
    return;
  }
  for (int64_t r = 0; r < rows; r++) {
    const float shift = row_maximum(z + r * n, n);
    const float sum = row_exponentials(z + r * n, p + r * n, n, shift);
    FOR_VECTORS(at, count, n) store_at(p + r * n + at, load_at(p + r * n + at, count) / splat(sum), count);
    each[r] = (RowSoftmax){shift, sum, scalar_logarithm(sum)};
  }
}

static void softmax(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  RowSoftmax each[LANES];
  for (int64_t i = 0; i < m; i += LANES)
    softmax_rows((const float *)buffers[0] + i * n, (float *)buffers[1] + i * n, rows_left(m, i), n, each);
}

/* Sum of e^(x - shift). */
INLINE float row_exponential_sum(const float *x, int64_t n, float shift) {
  Lanes sum = splat_lanes(0);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes next = load_lanes(x + j, n - j, -__builtin_inff());
    for (int i = 0; i < LANE_VECTORS; i++) sum.part[i] += exponential(next.part[i] - splat(shift));
  }
  return sum_lanes(sum);
}

static void log_softmax(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n;
    float *y = (float *)buffers[1] + i * n;
    const float shift = row_maximum(x, n);
    const Vec log_sum = splat(scalar_logarithm(row_exponential_sum(x, n, shift)));
    FOR_VECTORS(at, count, n) store_at(y + at, load_at(x + at, count) - splat(shift) - log_sum, count);
  }
}

/* dx = y (dy - sum of y dy). */
static void softmax_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  for (int64_t i = 0; i < m; i++) {
    const float *y = (const float *)buffers[0] + i * n, *dy = (const float *)buffers[1] + i * n;
    float *dx = (float *)buffers[2] + i * n;
    Lanes dot = splat_lanes(0);
    for (int64_t j = 0; j < n; j += LANES) {
      const Lanes a = load_lanes(y + j, n - j, 0), b = load_lanes(dy + j, n - j, 0);
      for (int v = 0; v < LANE_VECTORS; v++) dot.part[v] = multiply_add(a.part[v], b.part[v], dot.part[v]);
    }
    const Vec sum = splat(sum_lanes(dot));
    FOR_VECTORS(at, count, n) store_at(dx + at, load_at(y + at, count) * (load_at(dy + at, count) - sum), count);
  }
}

/* dx = dy - e^y sum of dy. */
static void log_softmax_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  for (int64_t i = 0; i < m; i++) {
    const float *y = (const float *)buffers[0] + i * n, *dy = (const float *)buffers[1] + i * n;
    float *dx = (float *)buffers[2] + i * n;
    Lanes total = splat_lanes(0);
    for (int64_t j = 0; j < n; j += LANES) {
      const Lanes next = load_lanes(dy + j, n - j, 0);
      for (int v = 0; v < LANE_VECTORS; v++) total.part[v] += next.part[v];
    }
    const Vec sum = splat(sum_lanes(total));
    FOR_VECTORS(at, count, n) store_at(dx + at, multiply_add(-exponential(load_at(y + at, count)), sum, load_at(dy + at, count)), count);
  }
}

#endif
