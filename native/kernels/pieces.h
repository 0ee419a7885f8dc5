/*
 * Activations with weights: prelu, x (m, n) with a slope per column, and maxout over groups of neighbours, z (m, k). Formulas and order
 * of arguments: src/engine/ops/prelu.ts and maxout.ts.
 */
#include "vector.h"

static void prelu(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *alpha = buffers[1];
  for (int64_t i = 0; i < m; i++)
    FOR_VECTORS(at, count, n) {
      const Vec x = load_at((const float *)buffers[0] + i * n + at, count);
      store_at((float *)buffers[2] + i * n + at, choose((Mask)(x > splat(0.0f)), x, load_at(alpha + at, count) * x), count);
    }
}

static void prelu_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *alpha = buffers[1];
  for (int64_t i = 0; i < m; i++)
    FOR_VECTORS(at, count, n) {
      const Vec x = load_at((const float *)buffers[0] + i * n + at, count), dy = load_at((const float *)buffers[2] + i * n + at, count);
      store_at((float *)buffers[3] + i * n + at, choose((Mask)(x > splat(0.0f)), dy, load_at(alpha + at, count) * dy), count);
    }
}

static void prelu_grad_alpha(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  float *dalpha = buffers[2];
  memset(dalpha, 0, (size_t)n * sizeof(float));
  for (int64_t i = 0; i < m; i++)
    FOR_VECTORS(at, count, n) {
      const Vec x = load_at((const float *)buffers[0] + i * n + at, count), dy = load_at((const float *)buffers[1] + i * n + at, count);
      const Vec sum = load_at(dalpha + at, count);
      store_at(dalpha + at, choose((Mask)(x > splat(0.0f)), sum, multiply_add(x, dy, sum)), count);
    }
}

/* Groups are a few neighbours: one at a time. A NaN stays. */
static void maxout(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], k = dims[1];
  for (int64_t i = 0; i < m; i++) {
    const float *z = (const float *)buffers[0] + i * k;
    float best = -__builtin_inff();
    for (int64_t j = 0; j < k; j++) best = best >= z[j] || best != best ? best : z[j];
    ((float *)buffers[1])[i] = best;
  }
}

static void maxout_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], k = dims[1];
  for (int64_t i = 0; i < m; i++) {
    const float *z = (const float *)buffers[0] + i * k;
    float *dz = (float *)buffers[2] + i * k;
    int64_t best = 0;
    for (int64_t j = 0; j < k; j++) {
      if (z[j] > z[best]) best = j;
      dz[j] = 0;
    }
    if (k > 0) dz[best] = ((const float *)buffers[1])[i];
  }
}
