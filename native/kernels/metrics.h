/*
 * Metric accumulators, float64, rows in order. The last word counts. Formulas: src/engine/metrics/.
 */
static void accumulate_mean(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const float *x = buffers[0];
  double *accumulator = buffers[1], sum = 0;
  for (int64_t i = 0; i < dims[0]; i++) sum += (double)x[i];
  accumulator[0] += sum;
  accumulator[1] += (double)dims[0];
}

/* Place of the highest of n scores, the first of equal ones. */
static int64_t highest(const float *scores, int64_t n) {
  int64_t best = 0;
  for (int64_t j = 1; j < n; j++) best = scores[j] > scores[best] ? j : best;
  return best;
}

/* scores (m, n), classes (m). */
static void accumulate_accuracy(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const int32_t *classes = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float *scores = (const float *)buffers[0] + i * n;
    const int64_t best = highest(scores, n);
    accumulator[0] += best == classes[i];
  }
  accumulator[1] += (double)m;
}

static void accumulate_binary_accuracy(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const float *p = buffers[0], *y = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < dims[0]; i++) accumulator[0] += ((double)p[i] >= scalars[0]) == ((double)y[i] >= scalars[0]);
  accumulator[1] += (double)dims[0];
}

/* p, y (m, n); one sum of errors per column, then the rows. */
INLINE void accumulate_errors(void *const *buffers, const int64_t *dims, const int squared) {
  const int64_t m = dims[0], n = dims[1];
  const float *p = buffers[0], *y = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) {
      const double d = (double)p[i * n + j] - (double)y[i * n + j];
      accumulator[j] += squared ? d * d : __builtin_fabs(d);
    }
  accumulator[n] += (double)m;
}

static void accumulate_absolute_error(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  accumulate_errors(buffers, dims, 0);
}

static void accumulate_squared_error(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  accumulate_errors(buffers, dims, 1);
}

/* p, y (m, n); residual, mean and spread per column (Welford 1962). */
static void accumulate_variance(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *p = buffers[0], *y = buffers[1];
  double *residual = buffers[2], *mean = residual + n, *spread = mean + n, *count = spread + n;
  for (int64_t i = 0; i < m; i++) {
    *count += 1;
    for (int64_t j = 0; j < n; j++) {
      const double target = (double)y[i * n + j], error = (double)p[i * n + j] - target;
      residual[j] += error * error;
      const double distance = target - mean[j];
      mean[j] += distance / *count;
      spread[j] += distance * (target - mean[j]);
    }
  }
}

static void accumulate_top_k(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const int32_t *classes = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float *scores = (const float *)buffers[0] + i * n;
    if (classes[i] < 0 || classes[i] >= n) continue;
    const float own = scores[classes[i]];
    int64_t before = 0;
    for (int64_t j = 0; j < n; j++) before += scores[j] > own || (scores[j] == own && j < classes[i]);
    accumulator[0] += (double)before < scalars[0];
  }
  accumulator[1] += (double)m;
}

/* As in losses.h: the loss has ended the step already where a class lies outside. */
static void accumulate_log_loss(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const int32_t *classes = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float q = classes[i] >= 0 && classes[i] < n ? ((const float *)buffers[0])[i * n + classes[i]] : __builtin_nanf("");
    accumulator[0] -= (double)logarithm(clip(splat(q)))[0];
  }
  accumulator[1] += (double)m;
}

static void accumulate_binary_log_loss(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const float *p = buffers[0], *y = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < dims[0]; i++)
    accumulator[0] -= (double)logarithm(clip(splat(y[i] >= 0.5f ? p[i] : 1.0f - p[i])))[0];
  accumulator[1] += (double)dims[0];
}

/* A row per true class, a column per predicted one. */
static void accumulate_confusion(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const int32_t *classes = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float *scores = (const float *)buffers[0] + i * n;
    const int64_t best = highest(scores, n);
    if (classes[i] >= 0 && classes[i] < n) accumulator[classes[i] * n + best] += 1;
  }
  accumulator[n * n] += (double)m;
}

static void accumulate_binary_confusion(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const float *p = buffers[0], *y = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < dims[0]; i++)
    accumulator[2 * ((double)y[i] >= scalars[0]) + ((double)p[i] >= scalars[0])] += 1;
  accumulator[4] += (double)dims[0];
}
