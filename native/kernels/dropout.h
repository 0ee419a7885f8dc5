/*
 * Inverted dropout, Srivastava et al. 2014: y[i] = word(i) >= rate 2^32 ? x[i] / (1 - rate) : 0. Forward and backward
 * draw the same mask again from (seed, step, stream, element). See src/engine/ops/dropout.ts.
 */
#ifndef ALMA_DROPOUT_H
#define ALMA_DROPOUT_H

#include "../pool.h"
#include "philox.h"

/* What is the same for all elements of a call. */
typedef struct {
  const Step *step;
  uint32_t least, stream;
  float scale;
} Dropping;

/* Words are whole: word >= threshold is word >= the next whole number. A rate so near 1 that 32 bits cannot hold it keeps one in 2^32. */
INLINE Dropping dropping_of(const Step *step, const double *scalars) {
  const double threshold = scalars[0] * 4294967296.0;
  const double least = threshold > (double)(uint64_t)threshold ? (double)(uint64_t)threshold + 1 : threshold;
  return (Dropping){step, least > UINT32_MAX ? UINT32_MAX : (uint32_t)least, (uint32_t)scalars[1], (float)(1 / (1 - scalars[0]))};
}

/* Factors of PHILOX_WORDS elements from `at`. */
INLINE void dropout_factors(const Dropping *dropping, int64_t at, float factors[PHILOX_WORDS]) {
  uint32_t words[PHILOX_WORDS];
  philox(dropping->step->seed, (uint32_t)(at / 4), (uint32_t)dropping->step->number, dropping->stream, words);
  /* Words compare as unsigned: both sides are moved down by 2^31. */
  const Mask sign = splat_bits(INT32_MIN), least = splat_bits((int32_t)dropping->least) ^ sign;
  const Vec scale = splat(dropping->scale);
  UNROLL for (int i = 0; i < PHILOX_WORDS; i += WIDTH) {
    Mask word;
    memcpy(&word, words + i, sizeof(word));
    store(factors + i, (Vec)((Mask)((word ^ sign) >= least) & (Mask)scale));
  }
}

/* Elements of a task: a multiple of PHILOX_WORDS. */
#define DROPOUT_TASK 16384

typedef struct {
  Dropping dropping;
  int64_t n;
  const float *x;
  float *y;
} DropoutWork;

/* y = x times the factors; without x the factors by themselves. */
static void drop_out(void *context, int64_t index, float *scratch) {
  (void)scratch;
  const DropoutWork *work = context;
  const int64_t from = index * DROPOUT_TASK, left = work->n - from, to = from + (left < DROPOUT_TASK ? left : DROPOUT_TASK);
  const Vec zero = splat(0.0f);
  for (int64_t at = from; at < to; at += PHILOX_WORDS) {
    const int64_t count = to - at < PHILOX_WORDS ? to - at : PHILOX_WORDS;
    float factors[PHILOX_WORDS];
    dropout_factors(&work->dropping, at, factors);
    EACH_VECTOR(i, some, count, {
      const Vec factor = load(factors + i);
      /* A dropped NaN or infinity is 0, as 0 times it would not be. */
      const Vec value = work->x == NULL ? factor : choose((Mask)(factor == zero), zero, load_at(work->x + at + i, some) * factor);
      store_at(work->y + at + i, value, some);
    });
  }
}

static void drop_out_shared(const float *x, float *y, int64_t n, const double *scalars, Step *step) {
  DropoutWork work = {dropping_of(step, scalars), n, x, y};
  run_tasks(step, drop_out, &work, (n + DROPOUT_TASK - 1) / DROPOUT_TASK);
}

static void dropout(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  drop_out_shared(buffers[0], buffers[1], dims[0], scalars, step);
}

/* The factors by themselves. */
static void dropout_mask(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  drop_out_shared(NULL, buffers[0], dims[0], scalars, step);
}

#endif
