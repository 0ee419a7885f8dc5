/*
 * Losses: one number per vector, loss (m), from predictions p or logits z (m, n) and targets y (m, n) or classes (m), and
 * the gradients. Terms are float, sums float64 in order. A class outside 0 ... n-1 gives NaN, which ends the step.
 * Formulas and order of arguments: src/engine/ops/{mean-squared-error,binary-cross-entropy,categorical-cross-entropy}.ts.
 */
#include "softmax.h"

#define CLIP 1e-7f
/* The largest float not above 1 - 1e-7. */
#define CLIP_HIGH 0.99999988f

#define LOSS_KERNEL(name) static void name(void *const *buffers, const int64_t *dims, const double *scalars, Step *step)
#define LOSS_SIZES \
  (void)scalars; \
  (void)step; \
  const int64_t m = dims[0], n = dims[1]

/* Cuts a flat run of m x n terms into rows: adds them in order, and writes the mean of each row of n. */
typedef struct {
  double sum;
  int64_t column, n;
  float *loss;
} RowMeans;

INLINE void add_terms(RowMeans *rows, Vec terms, int64_t count) {
  float lanes[WIDTH];
  store(lanes, terms);
  for (int64_t i = 0; i < count; i++) {
    rows->sum += (double)lanes[i];
    if (++rows->column < rows->n) continue;
    *rows->loss++ = (float)(rows->sum / (double)rows->n);
    rows->sum = 0;
    rows->column = 0;
  }
}

INLINE Mask is_clipped(Vec q) { return (Mask)(q < splat(CLIP)) | (Mask)(q > splat(CLIP_HIGH)); }
/* Keeps NaN. */
INLINE Vec clip(Vec q) { return lesser(splat(CLIP_HIGH), greater(splat(CLIP), q)); }

LOSS_KERNEL(mean_squared_error) {
  LOSS_SIZES;
  const float *p = buffers[0], *y = buffers[1];
  RowMeans rows = {0, 0, n, buffers[2]};
  FOR_VECTORS(at, count, m * n) {
    const Vec d = load_at(p + at, count) - load_at(y + at, count);
    add_terms(&rows, d * d, count);
  }
}

LOSS_KERNEL(mean_squared_error_grad) {
  LOSS_SIZES;
  const float *p = buffers[0], *y = buffers[1];
  float *dp = buffers[2];
  const Vec scale = splat((float)(2.0 / (double)(m * n)));
  FOR_VECTORS(at, count, m * n) store_at(dp + at, (load_at(p + at, count) - load_at(y + at, count)) * scale, count);
}

LOSS_KERNEL(binary_cross_entropy) {
  LOSS_SIZES;
  const Vec one = splat(1.0f), low = splat(CLIP);
  RowMeans rows = {0, 0, n, buffers[2]};
  FOR_VECTORS(at, count, m * n) {
    const Vec p = load_at((const float *)buffers[0] + at, count), y = load_at((const float *)buffers[1] + at, count);
    /* 1 - q is formed from p: 1 - (1 - 1e-7) would be 1.19e-7 in float. */
    const Vec q = clip(p);
    const Vec rest = choose((Mask)(p > splat(CLIP_HIGH)), low, one - q);
    add_terms(&rows, -multiply_add(y, logarithm(q), (one - y) * logarithm(rest)), count);
  }
}

LOSS_KERNEL(binary_cross_entropy_grad) {
  LOSS_SIZES;
  const Vec one = splat(1.0f), total = splat((float)(m * n));
  FOR_VECTORS(at, count, m * n) {
    const Vec q = load_at((const float *)buffers[0] + at, count), y = load_at((const float *)buffers[1] + at, count);
    const Vec slope = (q - y) / (q * (one - q) * total);
    store_at((float *)buffers[2] + at, choose(is_clipped(q), splat(0.0f), slope), count);
  }
}

LOSS_KERNEL(sigmoid_cross_entropy) {
  LOSS_SIZES;
  RowMeans rows = {0, 0, n, buffers[2]};
  FOR_VECTORS(at, count, m * n) {
    const Vec z = load_at((const float *)buffers[0] + at, count), y = load_at((const float *)buffers[1] + at, count);
    /* max(z, 0) - z y without cancellation: the part of z that y does not claim. */
    const Vec linear = choose((Mask)(z > splat(0.0f)), z * (splat(1.0f) - y), -z * y);
    add_terms(&rows, linear + logarithm_1p(exponential(-absolute(z))), count);
    store_at((float *)buffers[3] + at, logistic(z), count);
  }
}

LOSS_KERNEL(sigmoid_cross_entropy_grad) {
  LOSS_SIZES;
  const float *p = buffers[0], *y = buffers[1];
  float *dz = buffers[2];
  const Vec total = splat((float)(m * n));
  FOR_VECTORS(at, count, m * n) store_at(dz + at, (load_at(p + at, count) - load_at(y + at, count)) / total, count);
}

/* Sum of n floats in float64, in order. */
static double row_sum(const float *x, int64_t n) {
  double sum = 0;
  for (int64_t j = 0; j < n; j++) sum += (double)x[j];
  return sum;
}

LOSS_KERNEL(categorical_cross_entropy) {
  LOSS_SIZES;
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    const Vec s = splat((float)row_sum(p, n));
    double total = 0;
    FOR_VECTORS(at, count, n) {
      float terms[WIDTH];
      store(terms, load_at(y + at, count) * logarithm(clip(load_at(p + at, count) / s)));
      for (int64_t j = 0; j < count; j++) total -= (double)terms[j];
    }
    ((float *)buffers[2])[i] = (float)total;
  }
}

LOSS_KERNEL(categorical_cross_entropy_grad) {
  LOSS_SIZES;
  const Vec zero = splat(0.0f);
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    float *dp = (float *)buffers[2] + i * n;
    const Vec s = splat((float)row_sum(p, n));
    double dot = 0;
    FOR_VECTORS(at, count, n) {
      float terms[WIDTH];
      store(terms, choose(is_clipped(load_at(p + at, count) / s), zero, load_at(y + at, count)));
      for (int64_t j = 0; j < count; j++) dot -= (double)terms[j];
    }
    const Vec scale = splat((float)((double)s[0] * (double)m)), shift = splat((float)dot);
    FOR_VECTORS(at, count, n) {
      const Vec q = load_at(p + at, count) / s;
      const Vec slope = choose(is_clipped(q), zero, -load_at(y + at, count) / q);
      store_at(dp + at, (slope - shift) / scale, count);
    }
  }
}

LOSS_KERNEL(softmax_cross_entropy) {
  LOSS_SIZES;
  RowSoftmax each[LANES];
  for (int64_t i = 0; i < m; i++) {
    const float *z = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    if (i % LANES == 0) softmax_rows(z, (float *)buffers[3] + i * n, rows_left(m, i), n, each);
    const RowSoftmax row = each[i % LANES];
    double total = 0;
    for (int64_t j = 0; j < n; j++) total += (double)y[j] * ((double)row.log_sum - ((double)z[j] - (double)row.shift));
    ((float *)buffers[2])[i] = (float)total;
  }
}

LOSS_KERNEL(softmax_cross_entropy_grad) {
  LOSS_SIZES;
  const Vec rows = splat((float)m);
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    float *dz = (float *)buffers[2] + i * n;
    const Vec mass = splat((float)row_sum(y, n));
    FOR_VECTORS(at, count, n) store_at(dz + at, multiply_add(load_at(p + at, count), mass, -load_at(y + at, count)) / rows, count);
  }
}

INLINE int is_class(int32_t class, int64_t n) { return class >= 0 && class < n; }

LOSS_KERNEL(sparse_categorical_cross_entropy) {
  LOSS_SIZES;
  const int32_t *classes = buffers[1];
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n;
    const float q = is_class(classes[i], n) ? (float)((double)p[classes[i]] / row_sum(p, n)) : __builtin_nanf("");
    ((float *)buffers[2])[i] = -logarithm(clip(splat(q)))[0];
  }
}

LOSS_KERNEL(sparse_categorical_cross_entropy_grad) {
  LOSS_SIZES;
  const int32_t *classes = buffers[1];
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n;
    float *dp = (float *)buffers[2] + i * n;
    const double s = row_sum(p, n);
    const float q = is_class(classes[i], n) ? (float)((double)p[classes[i]] / s) : __builtin_nanf("");
    const float scale = q < CLIP || q > CLIP_HIGH ? 0.0f : (float)(1 / (s * (double)m));
    for (int64_t j = 0; j < n; j++) dp[j] = scale * (j == classes[i] ? 1.0f - 1.0f / q : 1.0f);
  }
}

LOSS_KERNEL(sparse_softmax_cross_entropy) {
  LOSS_SIZES;
  const int32_t *classes = buffers[1];
  RowSoftmax each[LANES];
  for (int64_t i = 0; i < m; i++) {
    const float *z = (const float *)buffers[0] + i * n;
    if (i % LANES == 0) softmax_rows(z, (float *)buffers[3] + i * n, rows_left(m, i), n, each);
    const RowSoftmax row = each[i % LANES];
    ((float *)buffers[2])[i] = is_class(classes[i], n) ? row.log_sum - (z[classes[i]] - row.shift) : __builtin_nanf("");
  }
}

LOSS_KERNEL(sparse_softmax_cross_entropy_grad) {
  LOSS_SIZES;
  const float *p = buffers[0];
  const int32_t *classes = buffers[1];
  float *dz = buffers[2];
  const float rows = (float)m;
  FOR_VECTORS(at, count, m * n) store_at(dz + at, load_at(p + at, count) / splat(rows), count);
  for (int64_t i = 0; i < m; i++)
    if (is_class(classes[i], n)) dz[i * n + classes[i]] = (p[i * n + classes[i]] - 1.0f) / rows;
}
