/*
 * Dense layers: y = x W + b and its gradients. x (m, k), kernel (k, n), bias (n), y (m, n), row-major.
 * Formulas and order of arguments: src/engine/ops/dense.ts.
 */
#include "gemm.h"

static void dense(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  multiply(m, n, k, (Matrix){buffers[0], k, 1}, (Matrix){buffers[1], n, 1}, buffers[2], buffers[3], step->scratch);
}

/* dx (m, k) = dy (m, n) W^T. */
static void dense_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  multiply(m, k, n, (Matrix){buffers[0], n, 1}, (Matrix){buffers[1], 1, n}, NULL, buffers[2], step->scratch);
}

/* dW (k, n) = x^T dy. */
static void dense_grad_kernel(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  multiply(k, n, m, (Matrix){buffers[0], 1, k}, (Matrix){buffers[1], n, 1}, NULL, buffers[2], step->scratch);
}

/* db (n) = column sums of dy (m, n), rows added in order. */
static void dense_grad_bias(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *dy = buffers[0];
  float *db = buffers[1];
  memset(db, 0, (size_t)n * sizeof(float));
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) db[j] += dy[i * n + j];
}
