/*
 * Optimizers: one pass over the parameter block w (n), its gradients g (n) and slots (n).
 * Formulas and order of arguments: src/engine/optimizers/.
 */
#include "vector.h"

static void sgd(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t n = dims[0];
  float *w = buffers[0];
  const float *g = buffers[1];
  const Vec descent = splat((float)-step->rate);
  FOR_VECTORS(at, count, n) store_at(w + at, multiply_add(descent, load_at(g + at, count), load_at(w + at, count)), count);
}

static void sgd_momentum(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0];
  float *w = buffers[0], *velocity = buffers[2];
  const float *g = buffers[1];
  const Vec momentum = splat((float)scalars[0]), rate = splat((float)step->rate);
  const int is_nesterov = scalars[1] == 1;
  FOR_VECTORS(at, count, n) {
    const Vec descent = -rate * load_at(g + at, count);
    const Vec v = multiply_add(momentum, load_at(velocity + at, count), descent);
    store_at(velocity + at, v, count);
    store_at(w + at, load_at(w + at, count) + (is_nesterov ? multiply_add(momentum, v, descent) : v), count);
  }
}

/* base^exponent by squaring: the C library's pow differs between machines. */
static double whole_power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

/* Kingma and Ba 2015, algorithm 1, epsilon outside the root. The corrections are the same for all weights of a step. */
static void adam(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0], t = step->number + 1;
  float *w = buffers[0], *first = buffers[2], *second = buffers[3];
  const float *g = buffers[1];
  const Vec b1 = splat((float)scalars[0]), rest1 = splat((float)(1 - scalars[0]));
  const Vec b2 = splat((float)scalars[1]), rest2 = splat((float)(1 - scalars[1]));
  const Vec epsilon = splat((float)scalars[2]);
  const Vec rate = splat((float)(step->rate / (1 - whole_power(scalars[0], t))));
  const Vec scale = splat((float)(1 / (1 - whole_power(scalars[1], t))));
  FOR_VECTORS(at, count, n) {
    const Vec gradient = load_at(g + at, count);
    const Vec m = multiply_add(b1, load_at(first + at, count), rest1 * gradient);
    const Vec v = multiply_add(b2, load_at(second + at, count), rest2 * (gradient * gradient));
    store_at(first + at, m, count);
    store_at(second + at, v, count);
    store_at(w + at, load_at(w + at, count) - rate * m / (square_root(v * scale) + epsilon), count);
  }
}
