/*
 * Rows of the batch, from the feeds: out (m, n), feed (any number of rows, n) with 4-byte elements. Formulas and order of arguments:
 * src/engine/ops/batch-kernels.ts.
 */
#include "vector.h"

#if defined(__wasm__)

/* Feeds lie in the host's memory, which a module cannot see: the host copies, and gives back a status of the step. */
__attribute__((import_module("host"), import_name("copy_rows"))) int copy_rows(double feed, float *out, uint32_t m, uint32_t n, int as_real);

static void gather(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  step->status = copy_rows(scalars[0], buffers[0], (uint32_t)dims[0], (uint32_t)dims[1], 0);
}

static void gather_as_real(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  step->status = copy_rows(scalars[0], buffers[0], (uint32_t)dims[0], (uint32_t)dims[1], 1);
}

#else

/* The feed of a gather, or NULL with the step's status set when there is none or it does not hold every row of the batch. */
static const Feed *checked_feed(double index, int64_t m, int64_t n, Step *step) {
  if (!(index >= 0 && index < (double)step->feed_count) || m > step->rows) {
    step->status = STEP_NO_SUCH_FEED;
    return NULL;
  }
  const Feed *feed = &step->feeds[(int)index];
  const int64_t rows = n == 0 ? INT32_MAX : feed->length / n;
  for (int64_t i = 0; i < m; i++)
    if (step->rows_of_batch[i] < 0 || step->rows_of_batch[i] >= rows) step->status = STEP_ROW_OUT_OF_RANGE;
  return step->status == STEP_OK ? feed : NULL;
}

/* Rows are often a few vectors long, less than a call of memcpy costs. */
INLINE void copy_elements(const float *from, float *to, int64_t n) {
  EACH_VECTOR(at, count, n, { store_at(to + at, load_at(from + at, count), count); });
}

/* out (m, n) = rows of a feed with 4-byte elements. */
static void gather(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t m = dims[0], n = dims[1];
  const Feed *feed = checked_feed(scalars[0], m, n, step);
  if (feed == NULL) return;
  const int32_t *rows = step->rows_of_batch;
  const float *from = feed->data;
  float *to = buffers[0];
  if (n == 1)
    for (int64_t i = 0; i < m; i++) to[i] = from[rows[i]];
  else
    for (int64_t i = 0; i < m; i++, to += n) copy_elements(from + rows[i] * n, to, n);
}

/* out (m, n) = rows of an int32 feed as floats. */
static void gather_as_real(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t m = dims[0], n = dims[1];
  const Feed *feed = checked_feed(scalars[0], m, n, step);
  if (feed == NULL) return;
  for (int64_t i = 0; i < m; i++) {
    const int32_t *row = (const int32_t *)feed->data + step->rows_of_batch[i] * n;
    for (int64_t j = 0; j < n; j++) ((float *)buffers[0])[i * n + j] = (float)row[j];
  }
}

#endif
