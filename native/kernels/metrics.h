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

/* scores (m, n), classes (m). */
static void accumulate_accuracy(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const int32_t *classes = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++) {
    const float *scores = (const float *)buffers[0] + i * n;
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++) best = scores[j] > scores[best] ? j : best;
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

/* p, y (m, n); one sum per column. */
static void accumulate_absolute_error(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *p = buffers[0], *y = buffers[1];
  double *accumulator = buffers[2];
  for (int64_t i = 0; i < m; i++)
    for (int64_t j = 0; j < n; j++) accumulator[j] += __builtin_fabs((double)p[i * n + j] - (double)y[i * n + j]);
  accumulator[n] += (double)m;
}
