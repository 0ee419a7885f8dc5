/*
 * Layer normalisation over rows, x (m, n). Formulas and order of arguments: src/engine/ops/layer-normalization.ts. Variances take two
 * passes; a row is summed in LANES partial sums.
 */
#include "vector.h"

typedef struct {
  float mean, inverse;
} RowStatistics;

/* Mean of a row, and 1 / sqrt(variance + epsilon). */
INLINE RowStatistics row_statistics(const float *x, int64_t n, double epsilon) {
  Lanes sum = splat_lanes(0), squares = splat_lanes(0);
  for (int64_t j = 0; j < n; j += LANES) {
    const Lanes next = load_lanes(x + j, n - j, 0);
    for (int v = 0; v < LANE_VECTORS; v++) sum.part[v] += next.part[v];
  }
  const float mean = sum_lanes(sum) / (float)n;
  for (int64_t j = 0; j < n; j += LANES) {
    /* Missing lanes are at the mean and add nothing. */
    const Lanes next = load_lanes(x + j, n - j, mean);
    for (int v = 0; v < LANE_VECTORS; v++) {
      const Vec distance = next.part[v] - splat(mean);
      squares.part[v] = multiply_add(distance, distance, squares.part[v]);
    }
  }
  const float variance = sum_lanes(squares) / (float)n;
  return (RowStatistics){mean, (splat(1.0f) / square_root(splat(variance + (float)epsilon)))[0]};
}

static void layer_normalization(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *gamma = buffers[1], *beta = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n;
    float *y = (float *)buffers[3] + i * n;
    const RowStatistics row = row_statistics(x, n, scalars[0]);
    FOR_VECTORS(at, count, n) {
      const Vec z = (load_at(x + at, count) - splat(row.mean)) * splat(row.inverse);
      const Vec scale = gamma == NULL ? splat(1.0f) : load_at(gamma + at, count), shift = beta == NULL ? splat(0.0f) : load_at(beta + at, count);
      store_at(y + at, multiply_add(z, scale, shift), count);
    }
  }
}

static void layer_normalization_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *gamma = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n, *dy = (const float *)buffers[1] + i * n;
    float *dx = (float *)buffers[3] + i * n;
    const RowStatistics row = row_statistics(x, n, scalars[0]);
    Lanes sum = splat_lanes(0), products = splat_lanes(0);
    for (int64_t j = 0; j < n; j += LANES) {
      const Lanes values = load_lanes(x + j, n - j, row.mean), gradients = load_lanes(dy + j, n - j, 0);
      const Lanes scale = gamma == NULL ? splat_lanes(1) : load_lanes(gamma + j, n - j, 0);
      for (int v = 0; v < LANE_VECTORS; v++) {
        const Vec gradient = gradients.part[v] * scale.part[v], z = (values.part[v] - splat(row.mean)) * splat(row.inverse);
        sum.part[v] += gradient;
        products.part[v] = multiply_add(gradient, z, products.part[v]);
      }
    }
    const Vec mean_gradient = splat(sum_lanes(sum) / (float)n), mean_product = splat(sum_lanes(products) / (float)n);
    FOR_VECTORS(at, count, n) {
      const Vec scale = gamma == NULL ? splat(1.0f) : load_at(gamma + at, count);
      const Vec z = (load_at(x + at, count) - splat(row.mean)) * splat(row.inverse);
      const Vec centred = load_at(dy + at, count) * scale - mean_gradient;
      store_at(dx + at, splat(row.inverse) * multiply_add(-z, mean_product, centred), count);
    }
  }
}

static void layer_normalization_grad_gamma(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  float *dgamma = buffers[2];
  memset(dgamma, 0, (size_t)n * sizeof(float));
  for (int64_t i = 0; i < m; i++) {
    const float *x = (const float *)buffers[0] + i * n, *dy = (const float *)buffers[1] + i * n;
    const RowStatistics row = row_statistics(x, n, scalars[0]);
    FOR_VECTORS(at, count, n) {
      const Vec z = (load_at(x + at, count) - splat(row.mean)) * splat(row.inverse);
      store_at(dgamma + at, multiply_add(load_at(dy + at, count), z, load_at(dgamma + at, count)), count);
    }
  }
}
