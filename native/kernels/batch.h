/*
 * Kernels of a step that belong to no op: sums of gradients, the stop at a non-finite number.
 * Formulas and order of arguments: src/engine/ops/batch-kernels.ts.
 */
#include "vector.h"

static void add(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t n = dims[0];
  const float *a = buffers[0], *b = buffers[1];
  float *out = buffers[2];
  EACH_VECTOR(at, count, n, { store_at(out + at, load_at(a + at, count) + load_at(b + at, count), count); });
}

/* x (m, n): row i times w[i]. */
static void scale_rows(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  const int64_t m = dims[0], n = dims[1];
  const float *w = buffers[1];
  for (int64_t i = 0; i < m; i++) {
    float *x = (float *)buffers[0] + i * n;
    const Vec factor = splat(w[i]);
    FOR_VECTORS(at, count, n) store_at(x + at, load_at(x + at, count) * factor, count);
  }
}

/* An exponent of all ones is an infinity or a NaN. */
static void guard_finite(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t n = dims[0];
  const float *x = buffers[0];
  Mask found = {0};
  EACH_VECTOR(at, count, n, { found |= (Mask)(((Mask)load_at(x + at, count) & 0x7f800000) == 0x7f800000); });
  int any = 0;
  for (int lane = 0; lane < WIDTH; lane++) any |= found[lane];
  /* Several threads may find one. */
  if (any) __atomic_store_n(&step->status, STEP_NON_FINITE, __ATOMIC_RELAXED);
}
