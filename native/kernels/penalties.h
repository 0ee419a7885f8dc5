/*
 * What is done to gradients between backward and update: penalties of weights, clips.
 * Formulas and order of arguments: src/engine/ops/batch-kernels.ts.
 */
#include "vector.h"

typedef struct {
  double absolutes, squares;
} Norms;

/* Sums of |x| and x^2 in float64: LANES partial sums, added pairwise, so the same bits at every width. */
static Norms norms_of(const float *x, int64_t n) {
  double absolutes[LANES] = {0}, squares[LANES] = {0};
  int64_t i = 0;
  for (; i + LANES <= n; i += LANES)
    for (int lane = 0; lane < LANES; lane++) {
      const double value = (double)x[i + lane];
      absolutes[lane] += __builtin_fabs(value);
      squares[lane] += value * value;
    }
  for (int lane = 0; i < n; i++, lane++) {
    const double value = (double)x[i];
    absolutes[lane] += __builtin_fabs(value);
    squares[lane] += value * value;
  }
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int lane = 0; lane < half; lane++) {
      absolutes[lane] += absolutes[lane + half];
      squares[lane] += squares[lane + half];
    }
  return (Norms){absolutes[0], squares[0]};
}

static void add_penalty(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const Norms norms = norms_of(buffers[0], dims[0]);
  double *accumulator = buffers[1];
  accumulator[0] += (double)dims[1] * (scalars[0] * norms.absolutes + scalars[1] * norms.squares);
  accumulator[1] += (double)dims[1];
}

static void add_penalty_gradient(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const float *w = buffers[0];
  float *g = buffers[1];
  const Vec l1 = splat((float)scalars[0]), l2 = splat((float)(2 * scalars[1])), zero = splat(0.0f);
  FOR_VECTORS(at, count, dims[0]) {
    const Vec x = load_at(w + at, count);
    const Vec slope = choose((Mask)(x > zero), l1, choose((Mask)(x < zero), -l1, zero));
    store_at(g + at, load_at(g + at, count) + multiply_add(l2, x, slope), count);
  }
}

static void clip_value(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  float *g = buffers[0];
  const Vec limit = splat((float)scalars[0]);
  FOR_VECTORS(at, count, dims[0]) store_at(g + at, lesser(limit, greater(-limit, load_at(g + at, count))), count);
}

static void clip_norm(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  float *g = buffers[0];
  const double norm = __builtin_sqrt(norms_of(g, dims[0]).squares);
  if (!(norm > scalars[0])) return;
  const Vec factor = splat((float)(scalars[0] / norm));
  FOR_VECTORS(at, count, dims[0]) store_at(g + at, load_at(g + at, count) * factor, count);
}
