/*
 * Matrix products per row, and scores that must not count. Formulas and order of arguments:
 * src/engine/ops/{batch-product,score-masks}.ts.
 */
#include "gemm.h"

/* y (b, m, n) = a (b, m, k) c (b, k, n). */
static void batch_product(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t count = dims[0], m = dims[1], k = dims[2], n = dims[3];
  for (int64_t i = 0; i < count; i++)
    multiply(m, n, k, (Matrix){(const float *)buffers[0] + i * m * k, k, 1}, (Matrix){(const float *)buffers[1] + i * k * n, n, 1}, NULL,
             (float *)buffers[2] + i * m * n, step->scratch);
}

/* da (b, m, k) = dy (b, m, n) c^T. */
static void batch_product_grad_left(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t count = dims[0], m = dims[1], k = dims[2], n = dims[3];
  for (int64_t i = 0; i < count; i++)
    multiply(m, k, n, (Matrix){(const float *)buffers[0] + i * m * n, n, 1}, (Matrix){(const float *)buffers[1] + i * k * n, 1, n}, NULL,
             (float *)buffers[2] + i * m * k, step->scratch);
}

/* dc (b, k, n) = a^T dy (b, m, n). */
static void batch_product_grad_right(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t count = dims[0], m = dims[1], k = dims[2], n = dims[3];
  for (int64_t i = 0; i < count; i++)
    multiply(k, n, m, (Matrix){(const float *)buffers[0] + i * m * k, 1, k}, (Matrix){(const float *)buffers[1] + i * m * n, n, 1}, NULL,
             (float *)buffers[2] + i * k * n, step->scratch);
}

static void mask_scores(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t count = dims[0], r = dims[1], n = dims[2];
  const float *x = buffers[0], *mask = buffers[1];
  float *y = buffers[2];
  const float fill = (float)scalars[0];
  for (int64_t b = 0; b < count; b++)
    for (int64_t i = b * r; i < (b + 1) * r; i++)
      for (int64_t j = 0; j < n; j++) y[i * n + j] = mask[b * n + j] == 0.0f ? fill : x[i * n + j];
}

static void causal_scores(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t count = dims[0], q = dims[1], n = dims[2];
  const float *x = buffers[0];
  float *y = buffers[1];
  const float fill = (float)scalars[0];
  for (int64_t b = 0; b < count; b++)
    for (int64_t i = 0; i < q; i++)
      for (int64_t j = 0; j < n; j++) y[(b * q + i) * n + j] = j <= i ? x[(b * q + i) * n + j] : fill;
}
