/*
 * Batch normalisation over columns, x (m, c), and layer normalisation over rows, x (m, n). Formulas and order of arguments:
 * src/engine/ops/normalization-kernels.ts and layer-normalization.ts. Variances take two passes. Columns are summed in double, row by
 * row; rows in LANES partial sums.
 */
#include "vector.h"

/* Columns treated together, so that what belongs to a column stays in registers and the first-level cache. */
#define COLUMNS 64

/* COLUMNS is a multiple of every WIDTH: vectors of a block meet its end only where the matrix ends. */
#define FOR_COLUMN_BLOCKS(from, columns, c) \
  for (int64_t from = 0, columns = (c) < COLUMNS ? (c) : COLUMNS; from < (c); \
       from += COLUMNS, columns = (c)-from < COLUMNS ? (c)-from : COLUMNS)

static void batch_statistics(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], c = dims[1];
  FOR_COLUMN_BLOCKS(from, columns, c) {
    const float *x = (const float *)buffers[0] + from;
    double mean[COLUMNS] = {0}, squares[COLUMNS] = {0};
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < columns; j++) mean[j] += (double)x[i * c + j];
    for (int64_t j = 0; j < columns; j++) mean[j] /= (double)m;
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < columns; j++) {
        const double distance = (double)x[i * c + j] - mean[j];
        squares[j] += distance * distance;
      }
    for (int64_t j = 0; j < columns; j++) {
      ((float *)buffers[1])[from + j] = (float)mean[j];
      ((float *)buffers[2])[from + j] = (float)(squares[j] / (double)m);
    }
  }
}

/* 1 / sqrt(variance + epsilon) of a block of columns, times gamma if there is one. */
INLINE void column_factors(const float *variance, const float *gamma, double epsilon, int64_t columns, float *factors) {
  FOR_VECTORS(at, count, columns) {
    const Vec scale = gamma == NULL ? splat(1.0f) : load_at(gamma + at, count);
    store(factors + at, scale / square_root(load_at(variance + at, count) + splat((float)epsilon)));
  }
}

INLINE const float *columns_from(const float *row, int64_t from) { return row == NULL ? NULL : row + from; }

static void normalize(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], c = dims[1];
  const float *x = buffers[0], *beta = buffers[4];
  float *y = buffers[5];
  FOR_COLUMN_BLOCKS(from, columns, c) {
    const float *mean = (const float *)buffers[1] + from;
    float factors[COLUMNS];
    column_factors((const float *)buffers[2] + from, columns_from(buffers[3], from), scalars[0], columns, factors);
    for (int64_t i = 0; i < m; i++)
      FOR_VECTORS(at, count, columns) {
        const Vec shift = beta == NULL ? splat(0.0f) : load_at(beta + from + at, count);
        const int64_t place = i * c + from + at;
        store_at(y + place, multiply_add(load_at(x + place, count) - load_at(mean + at, count), load(factors + at), shift), count);
      }
  }
}

static void normalize_grad_affine(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], c = dims[1];
  FOR_COLUMN_BLOCKS(from, columns, c) {
    const float *x = (const float *)buffers[0] + from, *dy = (const float *)buffers[1] + from;
    const float *mean = (const float *)buffers[2] + from;
    double products[COLUMNS] = {0}, sums[COLUMNS] = {0};
    float inverse[COLUMNS];
    column_factors((const float *)buffers[3] + from, NULL, scalars[0], columns, inverse);
    for (int64_t i = 0; i < m; i++)
      for (int64_t j = 0; j < columns; j++) {
        products[j] += (double)dy[i * c + j] * (double)(x[i * c + j] - mean[j]);
        sums[j] += (double)dy[i * c + j];
      }
    for (int64_t j = 0; j < columns; j++) {
      ((float *)buffers[4])[from + j] = (float)(products[j] * (double)inverse[j]);
      ((float *)buffers[5])[from + j] = (float)sums[j];
    }
  }
}

static void batch_normalization_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], c = dims[1];
  const float *x = buffers[0], *dy = buffers[1];
  float *dx = buffers[7];
  FOR_COLUMN_BLOCKS(from, columns, c) {
    const float *mean = (const float *)buffers[2] + from, *variance = (const float *)buffers[3] + from;
    const float *dgamma = (const float *)buffers[5] + from, *dbeta = (const float *)buffers[6] + from;
    float factors[COLUMNS], slopes[COLUMNS], shifts[COLUMNS];
    column_factors(variance, NULL, scalars[0], columns, slopes);
    column_factors(variance, columns_from(buffers[4], from), scalars[0], columns, factors);
    /* dx = factor (dy - shift - (x - mean) slope), slope = dgamma inverse / m. */
    FOR_VECTORS(at, count, columns) {
      const Vec rows = splat((float)m);
      store(slopes + at, load(slopes + at) * load_at(dgamma + at, count) / rows);
      store(shifts + at, load_at(dbeta + at, count) / rows);
    }
    for (int64_t i = 0; i < m; i++)
      FOR_VECTORS(at, count, columns) {
        const int64_t place = i * c + from + at;
        const Vec distance = load_at(x + place, count) - load_at(mean + at, count);
        const Vec centred = load_at(dy + place, count) - load(shifts + at);
        store_at(dx + place, load(factors + at) * multiply_add(-distance, load(slopes + at), centred), count);
      }
  }
}

static void normalize_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], c = dims[1];
  const float *dy = buffers[0];
  float *dx = buffers[3];
  FOR_COLUMN_BLOCKS(from, columns, c) {
    float factors[COLUMNS];
    column_factors((const float *)buffers[1] + from, columns_from(buffers[2], from), scalars[0], columns, factors);
    for (int64_t i = 0; i < m; i++)
      FOR_VECTORS(at, count, columns) {
        const int64_t place = i * c + from + at;
        store_at(dx + place, load_at(dy + place, count) * load(factors + at), count);
      }
  }
}

static void moving_average(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  float *moving = buffers[0];
  const float *x = buffers[1];
  const Vec kept = splat((float)scalars[0]), fresh = splat((float)(1 - scalars[0]));
  FOR_VECTORS(at, count, dims[0])
    store_at(moving + at, multiply_add(kept, load_at(moving + at, count), fresh * load_at(x + at, count)), count);
}

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
