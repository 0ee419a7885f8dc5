/*
 * Inverted dropout, Srivastava et al. 2014: y[i] = word(i) >= rate 2^32 ? x[i] / (1 - rate) : 0. Forward and backward
 * draw the same mask again from (seed, step, stream, element). See src/engine/ops/dropout.ts.
 */
#ifndef ALMA_DROPOUT_H
#define ALMA_DROPOUT_H

#include "philox.h"

/* Factors of PHILOX_WORDS elements from `at`. */
INLINE void dropout_factors(const Step *step, const double *scalars, int64_t at, float factors[PHILOX_WORDS]) {
  /* Words are whole: word >= threshold is word >= the next whole number. A rate so near 1 that 32 bits cannot hold it keeps one in 2^32. */
  const double threshold = scalars[0] * 4294967296.0;
  const double least_whole = threshold > (double)(uint64_t)threshold ? (double)(uint64_t)threshold + 1 : threshold;
  const uint32_t least = least_whole > UINT32_MAX ? UINT32_MAX : (uint32_t)least_whole;
  const float scale = (float)(1 / (1 - scalars[0]));
  uint32_t words[PHILOX_WORDS];
  philox(step->seed, (uint32_t)(at / 4), (uint32_t)step->number, (uint32_t)scalars[1], words);
  for (int i = 0; i < PHILOX_WORDS; i++) factors[i] = words[i] >= least ? scale : 0.0f;
}

static void dropout(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0];
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t at = 0; at < n; at += PHILOX_WORDS) {
    const int64_t count = n - at < PHILOX_WORDS ? n - at : PHILOX_WORDS;
    float factors[PHILOX_WORDS];
    dropout_factors(step, scalars, at, factors);
    FOR_VECTORS(i, some, count) {
      const Vec factor = load(factors + i);
      /* A dropped NaN or infinity is 0, as 0 times it would not be. */
      store_at(y + at + i, choose((Mask)(factor == splat(0.0f)), splat(0.0f), load_at(x + at + i, some) * factor), some);
    }
  }
}

/* The factors by themselves. */
static void dropout_mask(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0];
  for (int64_t at = 0; at < n; at += PHILOX_WORDS) {
    const int64_t count = n - at < PHILOX_WORDS ? n - at : PHILOX_WORDS;
    float factors[PHILOX_WORDS];
    dropout_factors(step, scalars, at, factors);
    memcpy((float *)buffers[0] + at, factors, (size_t)count * sizeof(float));
  }
}

#endif
