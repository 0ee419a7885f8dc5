/*
 * Kernels that combine, move, repeat and hide numbers: merges, parts of an axis, axes in another order, masks, lookups.
 * Formulas and order of arguments: src/engine/ops/{binary,columns,repeat,swap-axes,masks,lookup}.ts.
 */
#include "vector.h"

#define BINARY(name, value) \
  static void name(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) { \
    (void)step; \
    (void)scalars; \
    const float *left = buffers[0], *right = buffers[1]; \
    float *to = buffers[2]; \
    EACH_VECTOR(at, count, dims[0], { \
      const Vec a = load_at(left + at, count), b = load_at(right + at, count); \
      store_at(to + at, value, count); \
    }); \
  }

BINARY(subtract_elements, a - b)
BINARY(multiply_elements, a *b)
/* Keeps a NaN of a as of b. */
BINARY(maximum_elements, choose((Mask)(a >= b) | (Mask)(a != a), a, b))

static void maximum_elements_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t n = dims[0];
  const Mask equal_counts = splat_bits(scalars[0] == 0 ? -1 : 0);
  FOR_VECTORS(at, count, n) {
    const Vec a = load_at((const float *)buffers[0] + at, count);
    const Vec b = load_at((const float *)buffers[1] + at, count);
    const Vec dy = load_at((const float *)buffers[2] + at, count);
    store_at((float *)buffers[3] + at, choose((Mask)(a > b) | ((Mask)(a == b) & equal_counts), dy, splat(0.0f)), count);
  }
}

/* y[:, offset : offset + n] = x (m, n), y being w wide. */
static void place(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1], w = dims[2], offset = (int64_t)scalars[0];
  for (int64_t i = 0; i < m; i++)
    memcpy((float *)buffers[1] + i * w + offset, (const float *)buffers[0] + i * n, (size_t)n * sizeof(float));
}

static void take(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1], w = dims[2], offset = (int64_t)scalars[0];
  for (int64_t i = 0; i < m; i++)
    memcpy((float *)buffers[1] + i * n, (const float *)buffers[0] + i * w + offset, (size_t)n * sizeof(float));
}

static void pad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  memset(buffers[1], 0, (size_t)(dims[0] * dims[2]) * sizeof(float));
  place(buffers, dims, scalars, step);
}

/* x (m, n) becomes y (m, k, n). */
static void repeat(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++) memcpy(y + (i * k + l) * n, x + i * n, (size_t)n * sizeof(float));
}

static void repeat_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  const float *dy = buffers[0];
  float *dx = buffers[1];
  memset(dx, 0, (size_t)(m * n) * sizeof(float));
  for (int64_t i = 0; i < m; i++)
    for (int64_t l = 0; l < k; l++)
      for (int64_t j = 0; j < n; j++) dx[i * n + j] += dy[(i * k + l) * n + j];
}

/* x (m, a, b, n) becomes y (m, b, a, n). */
static void swap_axes(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], a = dims[1], b = dims[2], n = dims[3];
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t i = 0; i < m; i++)
    for (int64_t q = 0; q < b; q++)
      for (int64_t p = 0; p < a; p++) {
        const float *from = x + ((i * a + p) * b + q) * n;
        float *to = y + ((i * b + q) * a + p) * n;
        for (int64_t j = 0; j < n; j++) to[j] = from[j];
      }
}

static void nonzero(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int32_t *ids = buffers[0];
  float *mask = buffers[1];
  for (int64_t i = 0; i < dims[0]; i++) mask[i] = ids[i] == 0 ? 0.0f : 1.0f;
}

static void differing(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *x = buffers[0];
  float *mask = buffers[1];
  const float value = (float)scalars[0];
  for (int64_t i = 0; i < m; i++) {
    int differs = 0;
    for (int64_t j = 0; j < n; j++) differs |= x[i * n + j] != value;
    mask[i] = differs ? 1.0f : 0.0f;
  }
}

static void mask_rows(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *x = buffers[0], *mask = buffers[1];
  float *y = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    if (mask[i] == 0.0f)
      memset(y + i * n, 0, (size_t)n * sizeof(float));
    else if (y != x)
      memcpy(y + i * n, x + i * n, (size_t)n * sizeof(float));
  }
}

/* y (m, n) = rows of the table (k, n); NaN for a row there is not. */
static void lookup(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  const int32_t *ids = buffers[0];
  const float *table = buffers[1];
  float *y = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    if (ids[i] >= 0 && ids[i] < k)
      memcpy(y + i * n, table + ids[i] * n, (size_t)n * sizeof(float));
    else
      for (int64_t j = 0; j < n; j++) y[i * n + j] = __builtin_nanf("");
  }
}

static void lookup_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], k = dims[1], n = dims[2];
  const int32_t *ids = buffers[0];
  const float *dy = buffers[1];
  float *table = buffers[2];
  memset(table, 0, (size_t)(k * n) * sizeof(float));
  for (int64_t i = 0; i < m; i++) {
    if (ids[i] < 0 || ids[i] >= k) continue;
    for (int64_t j = 0; j < n; j++) table[ids[i] * n + j] += dy[i * n + j];
  }
}
