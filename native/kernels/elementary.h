/*
 * exp, log, log1p, tanh, sigmoid and the normal distribution in float, lane by lane, without tables or branches, so the
 * same bits at every width. Polynomials: S. Moshier, Cephes mathematical library (single precision). Errors measured
 * over all magnitudes are at most about 2 units in the last place; results are finite wherever the true value is.
 */
#ifndef ALMA_ELEMENTARY_H
#define ALMA_ELEMENTARY_H

#include "vector.h"

/* Horner's rule, highest power first. */
#define POLYNOMIAL(x, ...) \
  ({ \
    const float coefficients[] = {__VA_ARGS__}; \
    Vec sum_ = splat(coefficients[0]); \
    UNROLL for (unsigned i_ = 1; i_ < sizeof(coefficients) / sizeof(float); i_++) \
      sum_ = multiply_add(sum_, x, splat(coefficients[i_])); \
    sum_; \
  })

/* 2^n for n in [-126, 127]. */
INLINE Vec power_of_two(Mask n) { return (Vec)((n + 127) << 23); }

/* e^x = 2^n e^r, r = x - n ln 2, |r| <= ln(2)/2. The scale is applied in two halves: 2^n may be subnormal or 2^128. */
INLINE Vec exponential(Vec x) {
  x = choose((Mask)(x < splat(-104.0f)), splat(-104.0f), x);
  x = choose((Mask)(x > splat(89.0f)), splat(89.0f), x);
  const Vec magic = splat(12582912.0f); /* 1.5 * 2^23: adding it rounds to an integer */
  const Vec shifted = multiply_add(x, splat(1.44269504088896341f), magic);
  const Vec n = shifted - magic;
  const Mask whole = (Mask)shifted - (Mask)magic;
  Vec r = multiply_add(n, splat(-0.693359375f), x);
  r = multiply_add(n, splat(2.12194440e-4f), r);
  const Vec p = POLYNOMIAL(r, 1.9875691500e-4f, 1.3981999507e-3f, 8.3334519073e-3f, 4.1665795894e-2f, 1.6666665459e-1f, 5.0000001201e-1f);
  const Vec y = multiply_add(p, r * r, r) + splat(1.0f);
  const Mask half = whole >> 1;
  return y * power_of_two(half) * power_of_two(whole - half);
}

/* log x: x = m 2^e with m in [sqrt(1/2), sqrt 2). 0 gives -infinity, below 0 NaN. */
INLINE Vec logarithm(Vec x) {
  const Mask tiny = (Mask)(x < splat(1.17549435e-38f));
  const Vec scaled = choose(tiny, x * splat(8388608.0f), x);
  const Mask bits = (Mask)scaled;
  Mask e = ((bits >> 23) & 0xff) - 126 - (tiny & 23);
  Vec m = (Vec)((bits & 0x007fffff) | 0x3f000000); /* [1/2, 1) */
  const Mask low = (Mask)(m < splat(0.707106781186547524f));
  e += low;
  m = m + (Vec)(low & (Mask)m) - splat(1.0f);
  const Vec ef = __builtin_convertvector(e, Vec);
  const Vec z = m * m;
  Vec y = POLYNOMIAL(m, 7.0376836292e-2f, -1.1514610310e-1f, 1.1676998740e-1f, -1.2420140846e-1f, 1.4249322787e-1f, -1.6668057665e-1f,
                     2.0000714765e-1f, -2.4999993993e-1f, 3.3333331174e-1f);
  y = y * m * z;
  y = multiply_add(ef, splat(-2.12194440e-4f), y);
  y = multiply_add(z, splat(-0.5f), y);
  Vec r = m + y;
  r = multiply_add(ef, splat(0.693359375f), r);
  const Vec infinity = splat(__builtin_inff());
  r = choose((Mask)(x == infinity), infinity, r);
  r = choose((Mask)(x == splat(0.0f)), -infinity, r);
  return choose((Mask)(x >= splat(0.0f)), r, splat(__builtin_nanf("")));
}

/* log(1 + u) for u in [0, 1]: log w plus what rounding w = 1 + u lost (Goldberg 1991, theorem 4's idea). */
INLINE Vec logarithm_1p(Vec u) {
  const Vec w = splat(1.0f) + u;
  return logarithm(w) + (u - (w - splat(1.0f))) / w;
}

INLINE Vec hyperbolic_tangent(Vec x) {
  const Vec a = absolute(x);
  const Vec z = x * x;
  const Vec p = POLYNOMIAL(z, -5.70498872745e-3f, 2.06390887954e-2f, -5.37397155531e-2f, 1.33314422036e-1f, -3.33332819422e-1f);
  const Vec small = multiply_add(p * z, x, x);
  const Vec large = splat(1.0f) - splat(2.0f) / (exponential(a + a) + splat(1.0f));
  const Vec y = choose((Mask)(a < splat(0.625f)), small, with_sign(large, x));
  return choose((Mask)(x == x), y, x);
}

/* The sigmoid s and its slope s (1 - s), in which 1 - s would cancel. */
typedef struct {
  Vec value, slope;
} Logistic;

/* s = 1 / (1 + e^-x) from e^-|x|, which never overflows. */
INLINE Logistic logistic_with_slope(Vec x) {
  const Vec e = exponential(-absolute(x));
  const Vec larger = splat(1.0f) / (splat(1.0f) + e);
  const Vec smaller = e * larger;
  return (Logistic){choose((Mask)(x < splat(0.0f)), smaller, larger), smaller * larger};
}

INLINE Vec logistic(Vec x) { return logistic_with_slope(x).value; }

/* log(1 + e^x) = max(x, 0) + log(1 + e^-|x|). */
INLINE Vec soft_plus(Vec x) { return greater(splat(0.0f), x) + logarithm_1p(exponential(-absolute(x))); }

/* e^x - 1 without cancellation: tanh's identity e^x - 1 = t (e^x + 1), t = tanh(x / 2), near 0. */
INLINE Vec exponential_m1(Vec x) {
  const Vec e = exponential(x);
  const Vec near = hyperbolic_tangent(x * splat(0.5f)) * (e + splat(1.0f));
  return choose((Mask)(absolute(x) < splat(1.0f)), near, e - splat(1.0f));
}

/* e^(-x^2/2) with the rounding error of the square put back, or the relative error would grow with x^2. */
INLINE Vec gauss(Vec x) {
  const Vec square = x * x;
  const Vec lost = multiply_add(x, x, -square);
  const Vec e = exponential(square * splat(-0.5f));
  /* Where the square overflows, e is 0 and the correction must not be NaN. */
  return choose((Mask)(square < splat(1.0e3f)), multiply_add(e * splat(-0.5f), lost, e), choose((Mask)(x == x), splat(0.0f), x));
}

/* Normal distribution function: erfc(-x / sqrt 2) / 2, relatively accurate in the lower tail. */
INLINE Vec normal_cdf(Vec x) {
  const Vec a = absolute(x) * splat(0.707106781186547524f);
  const Vec z = a * a;
  const Vec erf = a * POLYNOMIAL(z, 7.853861353153693e-5f, -8.010193625184903e-4f, 5.188327685732524e-3f, -2.685381193529856e-2f,
                                 1.128358514861418e-1f, -3.761262582423300e-1f, 1.128379165726710f);
  const Vec q = splat(1.0f) / a;
  const Vec y = q * q;
  const Vec below_two =
      POLYNOMIAL(y, 2.326819970068386e-2f, -1.387039388740657e-1f, 3.687424674597105e-1f, -5.824733027278666e-1f, 6.210004621745983e-1f,
                 -4.944515323274145e-1f, 3.404879937665872e-1f, -2.741127028184656e-1f, 5.638259427386472e-1f);
  const Vec above_two = POLYNOMIAL(y, -1.047766399936249e1f, 1.297719955372516e1f, -7.495518717768503f, 2.921019019210786f,
                                   -1.015265279202700f, 4.218463358204948e-1f, -2.820767439740514e-1f, 5.641895067754075e-1f);
  const Vec tail = gauss(x) * q * choose((Mask)(a < splat(2.0f)), below_two, above_two) * splat(0.5f);
  const Vec centre = splat(0.5f) + with_sign(erf * splat(0.5f), x);
  const Vec outer = choose((Mask)(x < splat(0.0f)), tail, splat(1.0f) - tail);
  const Vec r = choose((Mask)(a < splat(1.0f)), centre, outer);
  return choose((Mask)(x == x), r, x);
}

#endif
