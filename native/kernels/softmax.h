/*
 * softmax and log_softmax over the last axis, x (m, n), in place if wanted. The largest logit is subtracted first.
 * Formulas and order of arguments: src/engine/ops/softmax.ts. Sums run over LANES partial sums at every vector width.
 */
#ifndef ALMA_SOFTMAX_H
#define ALMA_SOFTMAX_H

#include "elementary.h"

INLINE float row_maximum(const float *x, int64_t n) {
  const float lowest = -__builtin_inff();
  Lanes best = splat_lanes(lowest);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes next = load_lanes(x + j, n - j, lowest);
    for (int i = 0; i < LANE_VECTORS; i++) best.part[i] = choose((Mask)(best.part[i] >= next.part[i]) | (Mask)(best.part[i] != best.part[i]), best.part[i], next.part[i]);
  }
  return max_lanes(best);
}

/* Sum of e^(x - shift); missing lanes hold -infinity and add 0. */
INLINE float row_exponential_sum(const float *x, int64_t n, float shift) {
  Lanes sum = splat_lanes(0);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes next = load_lanes(x + j, n - j, -__builtin_inff());
    for (int i = 0; i < LANE_VECTORS; i++) sum.part[i] += exponential(next.part[i] - splat(shift));
  }
  return sum_lanes(sum);
}

/* log of the sum of exponentials, minus the shift. */
INLINE float scalar_logarithm(float x) { return logarithm(splat(x))[0]; }

static void softmax(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n;
    float *y = (float *)buffers[1] + i * n;
    const float shift = row_maximum(x, n);
    Lanes total = splat_lanes(0);
    for (int64_t j = 0; j < n; j += LANES) {
      const Lanes next = load_lanes(x + j, n - j, -__builtin_inff());
      for (int v = 0; v < LANE_VECTORS; v++) {
        const int64_t at = j + v * WIDTH, left = n - at;
        const Vec e = exponential(next.part[v] - splat(shift));
        total.part[v] += e;
        if (left > 0) store_at(y + at, e, left < WIDTH ? left : WIDTH);
      }
    }
    const Vec sum = splat(sum_lanes(total));
    FOR_VECTORS(at, count, n) store_at(y + at, load_at(y + at, count) / sum, count);
  }
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
