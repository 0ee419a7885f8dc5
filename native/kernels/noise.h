/*
 * Gaussian noise and dropout of whole channels. Both draw the words of (seed, step, stream, element). Formulas and order of
 * arguments: src/engine/ops/gaussian-noise.ts and spatial-dropout.ts.
 */
#include "dropout.h"
#include "elementary.h"

/* cos and sin of a quarter turn times `f`, |f| <= 1/2. Polynomials: S. Moshier, Cephes mathematical library (single precision). */
INLINE Vec cosine_of_quarter(Vec f) {
  const Vec angle = f * splat(1.57079632679489662f), square = angle * angle;
  const Vec p = POLYNOMIAL(square, 2.443315711809948e-5f, -1.388731625493765e-3f, 4.166664568298827e-2f);
  return multiply_add(p * square, square, multiply_add(splat(-0.5f), square, splat(1.0f)));
}

INLINE Vec sine_of_quarter(Vec f) {
  const Vec angle = f * splat(1.57079632679489662f), square = angle * angle;
  const Vec p = POLYNOMIAL(square, -1.9515295891e-4f, 8.3321608736e-3f, -1.6666654611e-1f);
  return multiply_add(p * square, angle, angle);
}

typedef struct {
  Vec first, second;
} Normals;

/* Box and Muller 1958. The turn u2 is cut into quarters exactly, so that the angle is never reduced. */
INLINE Normals box_muller(Vec u1, Vec u2) {
  const Vec radius = square_root(splat(-2.0f) * logarithm(u1));
  const Vec turns = u2 * splat(4.0f), magic = splat(12582912.0f);
  const Vec shifted = turns + magic, quarter = shifted - magic, f = turns - quarter;
  const Mask q = (Mask)shifted - (Mask)magic;
  const Vec c = cosine_of_quarter(f), s = sine_of_quarter(f);
  const Mask is_odd = -(q & 1);
  /* cos: c, -s, -c, s; sin: s, c, -s, -c in the four quarters. */
  const Mask cos_sign = ((q + 1) & 2) << 30, sin_sign = (q & 2) << 30;
  return (Normals){radius * (Vec)((Mask)choose(is_odd, s, c) ^ cos_sign), radius * (Vec)((Mask)choose(is_odd, c, s) ^ sin_sign)};
}

static void gaussian_noise(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0];
  const float *x = buffers[0];
  float *y = buffers[1];
  const Vec stddev = splat((float)scalars[0]);
  for (int64_t at = 0; at < n; at += PHILOX_WORDS) {
    const int64_t count = n - at < PHILOX_WORDS ? n - at : PHILOX_WORDS;
    uint32_t words[PHILOX_WORDS];
    float u1[PHILOX_WORDS / 2], u2[PHILOX_WORDS / 2], noise[PHILOX_WORDS];
    philox(step->seed, (uint32_t)(at / 4), (uint32_t)step->number, (uint32_t)scalars[1], words);
    for (int i = 0; i < PHILOX_WORDS / 2; i++) {
      u1[i] = (float)((words[2 * i] >> 8) + 1) * 0x1p-24f;
      u2[i] = (float)(words[2 * i + 1] >> 8) * 0x1p-24f;
    }
    for (int i = 0; i < PHILOX_WORDS / 2; i += WIDTH) {
      const Normals pair = box_muller(load(u1 + i), load(u2 + i));
      for (int lane = 0; lane < WIDTH; lane++) {
        noise[2 * (i + lane)] = pair.first[lane];
        noise[2 * (i + lane) + 1] = pair.second[lane];
      }
    }
    FOR_VECTORS(i, some, count) store_at(y + at + i, multiply_add(stddev, load(noise + i), load_at(x + at + i, some)), some);
  }
}

static void gaussian_noise_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  (void)step;
  if (buffers[0] != buffers[1]) memcpy(buffers[1], buffers[0], (size_t)dims[0] * sizeof(float));
}

static void spatial_dropout(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0], s = dims[1], c = dims[2];
  const float *x = buffers[0];
  float *y = buffers[1];
  const Dropping dropping = dropping_of(step, scalars);
  for (int64_t row = 0; row < n; row++)
    for (int64_t from = 0, count; from < c; from += count) {
      /* Factors come in blocks of four; those of the row before are left out. */
      const int64_t element = row * c + from, skipped = element % 4, left = c - from;
      float factors[PHILOX_WORDS];
      count = left < PHILOX_WORDS - skipped ? left : PHILOX_WORDS - skipped;
      dropout_factors(&dropping, element - skipped, factors);
      for (int64_t k = 0; k < s; k++)
        FOR_VECTORS(i, some, count) {
          const int64_t at = (row * s + k) * c + from + i;
          const Vec factor = load_at(factors + skipped + i, some);
          store_at(y + at, choose((Mask)(factor == splat(0.0f)), splat(0.0f), load_at(x + at, some) * factor), some);
        }
    }
}
