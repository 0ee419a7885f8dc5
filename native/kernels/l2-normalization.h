/*
 * Rows brought to length 1, x (m, n). Formulas and order of arguments: src/engine/ops/l2-normalize.ts. A row is summed in LANES partial
 * sums; the gradient takes the sums anew.
 */
#include "vector.h"

/* Sum of the products of two rows. */
INLINE float row_product(const float *a, const float *b, int64_t n) {
  Lanes sum = splat_lanes(0);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes left = load_lanes(a + j, n - j, 0), right = load_lanes(b + j, n - j, 0);
    for (int v = 0; v < LANE_VECTORS; v++) sum.part[v] = multiply_add(left.part[v], right.part[v], sum.part[v]);
  }
  return sum_lanes(sum);
}

/* Length of a row; NaN where there is one in it. */
INLINE float row_length(const float *x, int64_t n) { return square_root(splat(row_product(x, x, n)))[0]; }

static void l2_normalize(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float epsilon = (float)scalars[0];
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n;
    float *y = (float *)buffers[1] + i * n;
    const float length = row_length(x, n);
    const Vec divisor = splat(length < epsilon ? epsilon : length);
    FOR_VECTORS(at, count, n) store_at(y + at, load_at(x + at, count) / divisor, count);
  }
}

static void l2_normalize_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float epsilon = (float)scalars[0];
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n, *dy = (const float *)buffers[1] + i * n;
    float *dx = (float *)buffers[2] + i * n;
    const float length = row_length(x, n);
    if (length < epsilon) {
      memset(dx, 0, (size_t)n * sizeof(float));
      continue;
    }
    /* Divided by the length twice: its square may be too small or too large for a float. */
    const Vec divisor = splat(length), share = splat(row_product(x, dy, n) / length);
    FOR_VECTORS(at, count, n) {
      const Vec direction = load_at(x + at, count) / divisor;
      store_at(dx + at, multiply_add(-direction, share, load_at(dy + at, count)) / divisor, count);
    }
  }
}
