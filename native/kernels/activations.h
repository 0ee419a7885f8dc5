/*
 * Activations: y[i] = f(x[i]) and dx[i] = dy[i] f'(saved[i]), saved being x or y. Both may work in place.
 * Formulas and order of arguments: src/engine/ops/activations.ts. Where its formula would cancel or overflow in float,
 * an equal one is used and named here.
 */
#include "elementary.h"

#define SELU_SCALE 1.0507009873554805f
#define SELU_SCALE_ALPHA 1.7580993408473769f
#define SQRT_2_OVER_PI 0.7978845608028654f
#define GELU_CUBIC 0.044715f
#define INVERSE_SQRT_2_PI 0.3989422804014327f

/* Defines a pair of kernels. `value` is an expression of x, `slope` one of `saved`; both may use `scalar`. */
#define ACTIVATION(name, value, slope) \
  static void name(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) { \
    (void)step; \
    (void)scalars; \
    const float *from = buffers[0]; \
    float *to = buffers[1]; \
    EACH_VECTOR(at, count, dims[0], { \
      const Vec x = load_at(from + at, count); \
      store_at(to + at, value, count); \
    }); \
  } \
  static void name##_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) { \
    (void)step; \
    (void)scalars; \
    const float *from = buffers[0], *arrived = buffers[1]; \
    float *to = buffers[2]; \
    EACH_VECTOR(at, count, dims[0], { \
      const Vec saved = load_at(from + at, count); \
      (void)saved; \
      store_at(to + at, load_at(arrived + at, count) * (slope), count); \
    }); \
  }

#define SCALAR splat((float)scalars[0])
#define ZERO splat(0.0f)
#define ONE splat(1.0f)

/* 2 u of the formula: (1 + tanh u) / 2 = sigmoid(2 u), which keeps its digits for negative u. */
INLINE Vec gelu_tanh_inner(Vec x) { return splat(2 * SQRT_2_OVER_PI) * x * multiply_add(splat(GELU_CUBIC) * x, x, ONE); }

INLINE Vec gelu_tanh_slope(Vec x) {
  /* (1 - t^2) = 4 s (1 - s). The square is bounded: beyond, s (1 - s) is 0 and must not meet an infinity. */
  const Logistic s = logistic_with_slope(gelu_tanh_inner(x));
  const Vec square = lesser(splat(1.0e4f), x * x);
  const Vec inner_slope = splat(2 * SQRT_2_OVER_PI) * multiply_add(splat(3 * GELU_CUBIC), square, ONE);
  return multiply_add(x * s.slope, inner_slope, s.value);
}

INLINE Vec silu_slope(Vec x) {
  const Logistic s = logistic_with_slope(x);
  return multiply_add(x, s.slope, s.value);
}

INLINE Vec softsign_slope(Vec x) {
  const Vec q = ONE / (ONE + absolute(x));
  return q * q;
}

ACTIVATION(step_function, choose((Mask)(x >= ZERO), ONE, ZERO), ZERO)
ACTIVATION(sigmoid, logistic(x), saved *(ONE - saved))
ACTIVATION(hyperbolic, hyperbolic_tangent(x), multiply_add(-saved, saved, ONE))
ACTIVATION(relu, choose((Mask)(x < ZERO), ZERO, x), choose((Mask)(saved > ZERO), ONE, ZERO))
ACTIVATION(leaky_relu, choose((Mask)(x < ZERO), SCALAR *x, x), choose((Mask)(saved > ZERO), ONE, SCALAR))
ACTIVATION(elu, choose((Mask)(x > ZERO), x, SCALAR *exponential_m1(x)), choose((Mask)(saved > ZERO), ONE, SCALAR *exponential(saved)))
ACTIVATION(selu, choose((Mask)(x > ZERO), splat(SELU_SCALE) * x, splat(SELU_SCALE_ALPHA) * exponential_m1(x)),
           choose((Mask)(saved > ZERO), splat(SELU_SCALE), splat(SELU_SCALE_ALPHA) * exponential(saved)))
ACTIVATION(gelu, x *normal_cdf(x), multiply_add(saved * splat(INVERSE_SQRT_2_PI), gauss(saved), normal_cdf(saved)))
ACTIVATION(gelu_tanh, x *logistic(gelu_tanh_inner(x)), gelu_tanh_slope(saved))
ACTIVATION(silu, x *logistic(x), silu_slope(saved))
ACTIVATION(softplus, soft_plus(x), logistic(saved))
ACTIVATION(softsign, x / (ONE + absolute(x)), softsign_slope(saved))
ACTIVATION(hard_sigmoid, lesser(splat(6.0f), greater(ZERO, x + splat(3.0f))) / splat(6.0f),
           choose((Mask)(saved > ZERO) & (Mask)(saved < ONE), splat(1.0f / 6.0f), ZERO))
ACTIVATION(exponential_function, exponential(x), saved)
