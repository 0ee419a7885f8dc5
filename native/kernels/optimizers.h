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
  EACH_VECTOR(at, count, n, { store_at(w + at, multiply_add(descent, load_at(g + at, count), load_at(w + at, count)), count); });
}

static void sgd_momentum(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t n = dims[0];
  float *w = buffers[0], *velocity = buffers[2];
  const float *g = buffers[1];
  const Vec momentum = splat((float)scalars[0]), rate = splat((float)step->rate);
  const int is_nesterov = scalars[1] == 1;
  EACH_VECTOR(at, count, n, {
    const Vec descent = -rate * load_at(g + at, count);
    const Vec v = multiply_add(momentum, load_at(velocity + at, count), descent);
    store_at(velocity + at, v, count);
    store_at(w + at, load_at(w + at, count) + (is_nesterov ? multiply_add(momentum, v, descent) : v), count);
  });
}

/* base^exponent by squaring: the C library's pow differs between machines. */
static double whole_power(double base, int64_t exponent) {
  double result = 1;
  for (; exponent > 0; exponent >>= 1, base *= base)
    if (exponent & 1) result *= base;
  return result;
}

/* Moments of Adam and its kin, and the corrections that are the same for all weights of a step. */
typedef struct {
  Vec b1, rest1, b2, rest2, epsilon, rate, scale;
} Moments;

INLINE Moments moments_of(const double *scalars, const Step *step) {
  const int64_t t = step->number + 1;
  Moments a;
  a.b1 = splat((float)scalars[0]);
  a.rest1 = splat((float)(1 - scalars[0]));
  a.b2 = splat((float)scalars[1]);
  a.rest2 = splat((float)(1 - scalars[1]));
  a.epsilon = splat((float)scalars[2]);
  a.rate = splat((float)(step->rate / (1 - whole_power(scalars[0], t))));
  a.scale = splat((float)(1 / (1 - whole_power(scalars[1], t))));
  return a;
}

/* Kingma and Ba 2015, algorithm 1, epsilon outside the root; weights first shrunk by `kept` (AdamW), second moments never
 * falling when `largest` is there (AMSGrad). */
INLINE void adam_pass(void *const *buffers, int64_t n, const Moments *a, Vec kept, float *largest) {
  float *w = buffers[0], *first = buffers[2], *second = buffers[3];
  const float *g = buffers[1];
  EACH_VECTOR(at, count, n, {
    const Vec gradient = load_at(g + at, count);
    const Vec m = multiply_add(a->b1, load_at(first + at, count), a->rest1 * gradient);
    Vec v = multiply_add(a->b2, load_at(second + at, count), a->rest2 * (gradient * gradient));
    store_at(first + at, m, count);
    store_at(second + at, v, count);
    if (largest) {
      v = greater(v, load_at(largest + at, count));
      store_at(largest + at, v, count);
    }
    store_at(w + at, load_at(w + at, count) * kept - a->rate * m / (square_root(v * a->scale) + a->epsilon), count);
  });
}

static void adam(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Moments moments = moments_of(scalars, step);
  adam_pass(buffers, dims[0], &moments, splat(1.0f), NULL);
}

static void adam_amsgrad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Moments moments = moments_of(scalars, step);
  adam_pass(buffers, dims[0], &moments, splat(1.0f), buffers[4]);
}

static void adamw(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Moments moments = moments_of(scalars, step);
  adam_pass(buffers, dims[0], &moments, splat((float)(1 - step->rate * scalars[3])), NULL);
}

/* Kingma and Ba 2015, algorithm 2. */
static void adamax(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Moments a = moments_of(scalars, step);
  float *w = buffers[0], *first = buffers[2], *norm = buffers[3];
  const float *g = buffers[1];
  EACH_VECTOR(at, count, dims[0], {
    const Vec gradient = load_at(g + at, count);
    const Vec m = multiply_add(a.b1, load_at(first + at, count), a.rest1 * gradient);
    const Vec u = greater(a.b2 * load_at(norm + at, count), absolute(gradient));
    store_at(first + at, m, count);
    store_at(norm + at, u, count);
    store_at(w + at, load_at(w + at, count) - a.rate * m / (u + a.epsilon), count);
  });
}

/* Product of 1 - 0.96^i / 2 over i = 1 ... t. After some 900 factors they are 1 exactly. */
static double warm_up_product(int64_t t) {
  double product = 1, power = 1;
  for (int64_t i = 1; i <= t; i++) {
    power *= 0.96;
    const double factor = 1 - 0.5 * power;
    if (factor == 1) break;
    product *= factor;
  }
  return product;
}

/* Dozat 2016. mu_t = b1 (1 - 0.96^t / 2); the products of mu are a function of t: src/engine/optimizers/nadam.ts. */
static void nadam(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Moments a = moments_of(scalars, step);
  const int64_t t = step->number + 1;
  const double product = whole_power(scalars[0], t) * warm_up_product(t), power = whole_power(0.96, t);
  const double mu = scalars[0] * (1 - 0.5 * power), next = scalars[0] * (1 - 0.5 * (power * 0.96));
  const Vec of_m = splat((float)(next / (1 - product * next))), of_g = splat((float)((1 - mu) / (1 - product)));
  const Vec rate = splat((float)step->rate);
  float *w = buffers[0], *first = buffers[2], *second = buffers[3];
  const float *g = buffers[1];
  EACH_VECTOR(at, count, dims[0], {
    const Vec gradient = load_at(g + at, count);
    const Vec m = multiply_add(a.b1, load_at(first + at, count), a.rest1 * gradient);
    const Vec v = multiply_add(a.b2, load_at(second + at, count), a.rest2 * (gradient * gradient));
    store_at(first + at, m, count);
    store_at(second + at, v, count);
    const Vec corrected = multiply_add(of_m, m, of_g * gradient);
    store_at(w + at, load_at(w + at, count) - rate * corrected / (square_root(v * a.scale) + a.epsilon), count);
  });
}

/* Tieleman and Hinton 2012; `mean` is there when centered, `momentum` when steps are accumulated. */
INLINE void rmsprop_pass(void *const *buffers, int64_t n, const double *scalars, double rate, float *mean, float *momentum) {
  float *w = buffers[0], *second = buffers[2];
  const float *g = buffers[1];
  const Vec rho = splat((float)scalars[0]), rest = splat((float)(1 - scalars[0])), epsilon = splat((float)scalars[1]);
  const Vec mu = splat(momentum ? (float)scalars[2] : 0.0f), descent = splat((float)rate);
  EACH_VECTOR(at, count, n, {
    const Vec gradient = load_at(g + at, count);
    const Vec v = multiply_add(rho, load_at(second + at, count), rest * (gradient * gradient));
    store_at(second + at, v, count);
    Vec d = v;
    if (mean) {
      const Vec a = multiply_add(rho, load_at(mean + at, count), rest * gradient);
      store_at(mean + at, a, count);
      /* Rounding must not make a variance negative. */
      d = greater(splat(0.0f), multiply_add(-a, a, v));
    }
    Vec move = descent * gradient / square_root(d + epsilon);
    if (momentum) {
      move = multiply_add(mu, load_at(momentum + at, count), move);
      store_at(momentum + at, move, count);
    }
    store_at(w + at, load_at(w + at, count) - move, count);
  });
}

static void rmsprop(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  rmsprop_pass(buffers, dims[0], scalars, step->rate, NULL, NULL);
}
static void rmsprop_momentum(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  rmsprop_pass(buffers, dims[0], scalars, step->rate, NULL, buffers[3]);
}
static void rmsprop_centered(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  rmsprop_pass(buffers, dims[0], scalars, step->rate, buffers[3], NULL);
}
static void rmsprop_centered_momentum(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  rmsprop_pass(buffers, dims[0], scalars, step->rate, buffers[3], buffers[4]);
}

/* Duchi, Hazan and Singer 2011. The slot starts at 0; the initial value is added where the sum is used. */
static void adagrad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  float *w = buffers[0], *sum = buffers[2];
  const float *g = buffers[1];
  const Vec shift = splat((float)(scalars[0] + scalars[1])), rate = splat((float)step->rate);
  EACH_VECTOR(at, count, dims[0], {
    const Vec gradient = load_at(g + at, count);
    const Vec a = multiply_add(gradient, gradient, load_at(sum + at, count));
    store_at(sum + at, a, count);
    store_at(w + at, load_at(w + at, count) - rate * gradient / square_root(a + shift), count);
  });
}

/* Zeiler 2012. */
static void adadelta(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  float *w = buffers[0], *squares = buffers[2], *moves = buffers[3];
  const float *g = buffers[1];
  const Vec rho = splat((float)scalars[0]), rest = splat((float)(1 - scalars[0]));
  const Vec epsilon = splat((float)scalars[1]), rate = splat((float)step->rate);
  EACH_VECTOR(at, count, dims[0], {
    const Vec gradient = load_at(g + at, count), d = load_at(moves + at, count);
    const Vec a = multiply_add(rho, load_at(squares + at, count), rest * (gradient * gradient));
    const Vec u = gradient * square_root(d + epsilon) / square_root(a + epsilon);
    store_at(squares + at, a, count);
    store_at(moves + at, multiply_add(rho, d, rest * (u * u)), count);
    store_at(w + at, load_at(w + at, count) - rate * u, count);
  });
}
