/*
 * Inverted dropout, Srivastava et al. 2014: y[i] = word(i) >= rate 2^32 ? x[i] / (1 - rate) : 0. Forward and backward
 * draw the same mask again from (seed, step, stream, element). See src/engine/ops/dropout.ts.
 */
#include "philox.h"

static void dropout(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0];
  const double threshold = scalars[0] * 4294967296.0;
  const float scale = (float)(1 / (1 - scalars[0]));
  const float *x = buffers[0];
  float *y = buffers[1];
  uint32_t words[PHILOX_BLOCKS * 4];
  for (int64_t at = 0; at < n; at += PHILOX_BLOCKS * 4) {
    const int64_t count = n - at < PHILOX_BLOCKS * 4 ? n - at : PHILOX_BLOCKS * 4;
    philox(step->seed, (uint32_t)(at / 4), (uint32_t)step->number, (uint32_t)scalars[1], words);
    for (int64_t i = 0; i < count; i++) y[at + i] = (double)words[i] >= threshold ? x[at + i] * scale : 0.0f;
  }
}
