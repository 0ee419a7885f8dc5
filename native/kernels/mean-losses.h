/*
 * Losses that are the mean over a vector of a function of single elements, the two that compare whole vectors, and what
 * losses make of targets. Formulas and order of arguments: src/engine/ops/{mean-losses,kl-divergence,cosine-similarity,
 * perceptron,affine,one-hot}.ts.
 */
/* After losses.h, whose words it uses. */

INLINE Vec sign_of(Vec x) {
  const Vec zero = splat(0.0f);
  return choose((Mask)(x > zero), splat(1.0f), choose((Mask)(x < zero), splat(-1.0f), x));
}

INLINE Vec mean_absolute_error_term(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return absolute(p - y);
}
INLINE Vec mean_absolute_error_slope(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return sign_of(p - y);
}

INLINE Vec huber_term(Vec p, Vec y, const double *scalars) {
  const Vec e = absolute(p - y), delta = splat((float)scalars[0]), half = splat(0.5f);
  return choose((Mask)(e <= delta), half * e * e, multiply_add(delta, e, -half * delta * delta));
}
INLINE Vec huber_slope(Vec p, Vec y, const double *scalars) {
  const Vec delta = splat((float)scalars[0]);
  return lesser(delta, greater(-delta, p - y));
}

/* Near 0 the sum would cancel: log cosh e = e^2/2 - e^4/12 + e^6/45 - 17 e^8/2520. */
INLINE Vec log_cosh_term(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  const Vec e = absolute(p - y), z = e * e;
  const Vec near = z * POLYNOMIAL(z, -6.7460317e-3f, 2.2222222e-2f, -8.3333333e-2f, 0.5f);
  const Vec far = e + logarithm_1p(exponential(splat(-2.0f) * e)) - splat(0.69314718f);
  return choose((Mask)(e < splat(0.25f)), near, far);
}
INLINE Vec log_cosh_slope(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return hyperbolic_tangent(p - y);
}

INLINE Vec hinge_term(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return greater(splat(0.0f), splat(1.0f) - y * p);
}
INLINE Vec hinge_slope(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return choose((Mask)(y * p < splat(1.0f)), -y, splat(0.0f));
}

INLINE Vec poisson_term(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return p - y * logarithm(p + splat(CLIP));
}
INLINE Vec poisson_slope(Vec p, Vec y, const double *scalars) {
  (void)scalars;
  return splat(1.0f) - y / (p + splat(CLIP));
}

#define MEAN_LOSS(name) \
  LOSS_KERNEL(name) { \
    (void)step; \
    const int64_t m = dims[0], n = dims[1]; \
    const float *p = buffers[0], *y = buffers[1]; \
    RowMeans rows = {0, 0, n, buffers[2]}; \
    FOR_VECTORS(at, count, m *n) add_terms(&rows, name##_term(load_at(p + at, count), load_at(y + at, count), scalars), count); \
  } \
  LOSS_KERNEL(name##_grad) { \
    (void)step; \
    const int64_t total = dims[0] * dims[1]; \
    const float *p = buffers[0], *y = buffers[1]; \
    float *dp = buffers[2]; \
    FOR_VECTORS(at, count, total) \
      store_at(dp + at, name##_slope(load_at(p + at, count), load_at(y + at, count), scalars) / splat((float)total), count); \
  }

MEAN_LOSS(mean_absolute_error)
MEAN_LOSS(huber)
MEAN_LOSS(log_cosh)
MEAN_LOSS(hinge)
MEAN_LOSS(poisson)

INLINE Vec clip_to_one(Vec q) { return lesser(splat(1.0f), greater(splat(CLIP), q)); }

LOSS_KERNEL(kl_divergence) {
  LOSS_SIZES;
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    double total = 0;
    FOR_VECTORS(at, count, n) {
      float terms[WIDTH];
      const Vec t = clip_to_one(load_at(y + at, count));
      store(terms, t * logarithm(t / clip_to_one(load_at(p + at, count))));
      for (int64_t j = 0; j < count; j++) total += (double)terms[j];
    }
    ((float *)buffers[2])[i] = (float)total;
  }
}

LOSS_KERNEL(kl_divergence_grad) {
  LOSS_SIZES;
  const float *p = buffers[0], *y = buffers[1];
  float *dp = buffers[2];
  const Vec rows = splat((float)m), zero = splat(0.0f);
  FOR_VECTORS(at, count, m * n) {
    const Vec q = load_at(p + at, count);
    const Mask clipped = (Mask)(q < splat(CLIP)) | (Mask)(q > splat(1.0f));
    store_at(dp + at, choose(clipped, zero, -clip_to_one(load_at(y + at, count)) / (q * rows)), count);
  }
}

#define SHORTEST 1e-12

typedef struct {
  double cosine, length_p, length_y;
} Comparison;

static Comparison compare_vectors(const float *p, const float *y, int64_t n) {
  double dot = 0, squares_p = 0, squares_y = 0;
  for (int64_t j = 0; j < n; j++) {
    dot += (double)p[j] * (double)y[j];
    squares_p += (double)p[j] * (double)p[j];
    squares_y += (double)y[j] * (double)y[j];
  }
  double length_p = __builtin_sqrt(squares_p), length_y = __builtin_sqrt(squares_y);
  length_p = length_p < SHORTEST ? SHORTEST : length_p;
  length_y = length_y < SHORTEST ? SHORTEST : length_y;
  return (Comparison){dot / (length_p * length_y), length_p, length_y};
}

LOSS_KERNEL(cosine_similarity) {
  LOSS_SIZES;
  for (int64_t i = 0; i < m; i++)
    ((float *)buffers[2])[i] = (float)-compare_vectors((const float *)buffers[0] + i * n, (const float *)buffers[1] + i * n, n).cosine;
}

LOSS_KERNEL(cosine_similarity_grad) {
  LOSS_SIZES;
  for (int64_t i = 0; i < m; i++) {
    const float *p = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    float *dp = (float *)buffers[2] + i * n;
    const Comparison c = compare_vectors(p, y, n);
    const double scale = c.length_p <= SHORTEST ? 0 : 1 / (c.length_p * (double)m);
    /* float64: the two parts cancel where the directions agree. */
    for (int64_t j = 0; j < n; j++)
      dp[j] = (float)(scale * (c.cosine * (double)p[j] / c.length_p - (double)y[j] / c.length_y));
  }
}

/* NaN stays NaN in p and in the loss, so that the guard sees it. */
LOSS_KERNEL(perceptron) {
  LOSS_SIZES;
  for (int64_t i = 0; i < m; i++) {
    const float *z = (const float *)buffers[0] + i * n, *y = (const float *)buffers[1] + i * n;
    float *p = (float *)buffers[3] + i * n, wrong = 0;
    for (int64_t j = 0; j < n; j++) {
      p[j] = z[j] != z[j] ? z[j] : z[j] >= 0 ? 1.0f : 0.0f;
      if (p[j] != y[j]) wrong = p[j] != p[j] || wrong != wrong ? __builtin_nanf("") : 1.0f;
    }
    ((float *)buffers[2])[i] = wrong;
  }
}

LOSS_KERNEL(perceptron_grad) {
  LOSS_SIZES;
  const float *p = buffers[0], *y = buffers[1];
  float *dz = buffers[2];
  const Vec rows = splat((float)m);
  FOR_VECTORS(at, count, m * n) store_at(dz + at, (load_at(p + at, count) - load_at(y + at, count)) / rows, count);
}

LOSS_KERNEL(affine) {
  (void)step;
  const float *x = buffers[0];
  float *y = buffers[1];
  const Vec scale = splat((float)scalars[0]), shift = splat((float)scalars[1]);
  FOR_VECTORS(at, count, dims[0]) store_at(y + at, multiply_add(scale, load_at(x + at, count), shift), count);
}

LOSS_KERNEL(one_hot) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const int32_t *classes = buffers[0];
  for (int64_t i = 0; i < m; i++) {
    float *row = (float *)buffers[1] + i * n;
    const int known = is_class(classes[i], n);
    const Vec off = splat(known ? (float)scalars[1] : __builtin_nanf(""));
    FOR_VECTORS(at, count, n) store_at(row + at, off, count);
    if (known) row[classes[i]] = (float)scalars[0];
  }
}
