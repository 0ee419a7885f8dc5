/*
 * Dense layers: y = x W + b and its gradients. x (m, k), kernel (k, n), bias (n), y (m, n), row-major.
 * Formulas and order of arguments: src/engine/ops/dense.ts.
 */
#include "gemm.h"

static void multiply_dense(void *const *buffers, const int64_t *dims, int activation, Step *step) {
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  multiply_shared(&(Product){.m = m, .n = n, .k = k, .a = {buffers[0], k, 1}, .b = {buffers[1], n, 1}, .init = buffers[2],
                             .c = buffers[3], .c_row = n, .activation = activation}, step);
}

static void dense(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  multiply_dense(buffers, dims, 0, step);
}

/* y = f(x W + b). */
static void dense_activated(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  multiply_dense(buffers, dims, (int)scalars[0], step);
}

/* dx (m, k) = dy (m, n) W^T. */
static void dense_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  multiply_shared(&(Product){.m = m, .n = k, .k = n, .a = {buffers[0], n, 1}, .b = {buffers[1], 1, n}, .c = buffers[2], .c_row = k}, step);
}

/* dW (k, n) = x^T dy. */
static void dense_grad_kernel(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  multiply_shared(&(Product){.m = k, .n = n, .k = m, .a = {buffers[0], 1, k}, .b = {buffers[1], n, 1}, .c = buffers[2], .c_row = n}, step);
}

/* Sums of some columns of dy (m, n), rows added in order. */
INLINE void sum_columns(const int vectors, const int narrow, const float *dy, int64_t m, int64_t n, float *db, Head head) {
  Vec sum[4];
  UNROLL for (int j = 0; j < vectors; j++) sum[j] = splat(0.0f);
  for (int64_t i = 0; i < m; i++, dy += n)
    UNROLL for (int j = 0; j < vectors; j++) sum[j] += narrow ? load_head(dy, head) : load(dy + j * WIDTH);
  UNROLL for (int j = 0; j < vectors; j++) {
    if (narrow) store_head(db, sum[j], head);
    else store(db + j * WIDTH, sum[j]);
  }
}

/* db (n) = column sums of dy (m, n). */
static void dense_grad_bias(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *dy = buffers[0];
  float *db = buffers[1];
  int64_t j = 0;
  for (; j + 4 * WIDTH <= n; j += 4 * WIDTH) sum_columns(4, 0, dy + j, m, n, db + j, head_of(WIDTH));
  for (; j + WIDTH <= n; j += WIDTH) sum_columns(1, 0, dy + j, m, n, db + j, head_of(WIDTH));
  if (j < n) sum_columns(1, 1, dy + j, m, n, db + j, head_of(n - j));
}
