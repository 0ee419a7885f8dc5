/*
 * Functions inside recurrent cells, and of what other kernels have just written: y = f(x) in place, and d = d f'(y) from the value.
 * Codes, formulas and defaults: src/engine/ops/cell-activations.ts.
 */
#ifndef ALMA_CELL_ACTIVATIONS_H
#define ALMA_CELL_ACTIVATIONS_H

#include "elementary.h"

#define CELL_LEAKY_SLOPE 0.3f
#define CELL_SELU_SCALE 1.0507009873554805f
#define CELL_SELU_SCALE_ALPHA 1.7580993408473769f

/* X(code, value of x, slope from y), in the order of the list. */
#define CELL_FUNCTIONS(X) \
  X(0, x, splat(1.0f)) \
  X(1, hyperbolic_tangent(x), multiply_add(-y, y, splat(1.0f))) \
  X(2, logistic(x), y *(splat(1.0f) - y)) \
  X(3, lesser(splat(6.0f), greater(splat(0.0f), x + splat(3.0f))) / splat(6.0f), \
    choose((Mask)(y > splat(0.0f)) & (Mask)(y < splat(1.0f)), splat(1.0f / 6.0f), splat(0.0f))) \
  X(4, choose((Mask)(x < splat(0.0f)), splat(0.0f), x), choose((Mask)(y > splat(0.0f)), splat(1.0f), splat(0.0f))) \
  X(5, choose((Mask)(x < splat(0.0f)), splat(CELL_LEAKY_SLOPE) * x, x), \
    choose((Mask)(y > splat(0.0f)), splat(1.0f), splat(CELL_LEAKY_SLOPE))) \
  X(6, choose((Mask)(x > splat(0.0f)), x, exponential_m1(x)), choose((Mask)(y > splat(0.0f)), splat(1.0f), y + splat(1.0f))) \
  X(7, choose((Mask)(x > splat(0.0f)), splat(CELL_SELU_SCALE) * x, splat(CELL_SELU_SCALE_ALPHA) * exponential_m1(x)), \
    choose((Mask)(y > splat(0.0f)), splat(CELL_SELU_SCALE), y + splat(CELL_SELU_SCALE_ALPHA))) \
  X(8, soft_plus(x), -exponential_m1(-y)) \
  X(9, x / (splat(1.0f) + absolute(x)), (splat(1.0f) - absolute(y)) * (splat(1.0f) - absolute(y))) \
  X(10, exponential(x), y)

/* n values in place. */
static __attribute__((noinline)) void activate_cell(int code, float *values, int64_t n) {
#define CASE(code, value, slope) \
  case code: \
    FOR_VECTORS(at, count, n) { \
      const Vec x = load_at(values + at, count); \
      store_at(values + at, value, count); \
    } \
    break;
  switch (code) { CELL_FUNCTIONS(CASE) }
#undef CASE
}

/* Of a block of a matrix whose rows lie `row` apart, while the cache still has what was written. Code 0 is no function. */
static void activate_rows(int code, float *values, int64_t rows, int64_t columns, int64_t row) {
  if (code == 0) return;
  if (columns == row) activate_cell(code, values, rows * columns);
  else
    for (int64_t i = 0; i < rows; i++) activate_cell(code, values + i * row, columns);
}

/* n gradients in place, each times the slope at its value. */
static __attribute__((noinline)) void multiply_cell_slopes(int code, const float *values, float *gradients, int64_t n) {
#define CASE(code, value, slope) \
  case code: \
    FOR_VECTORS(at, count, n) { \
      const Vec y = load_at(values + at, count); \
      (void)y; \
      store_at(gradients + at, load_at(gradients + at, count) * (slope), count); \
    } \
    break;
  switch (code) { CELL_FUNCTIONS(CASE) }
#undef CASE
}

#endif
