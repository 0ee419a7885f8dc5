/*
 * Convolution with one channel per group: x (n, h, w, c), kernel (r, s, c, m), y (n, p, q, c m). Every channel meets its own m filters,
 * so there is no matrix product in it: channels lie in the lanes of a vector (m = 1), or the filters of a channel do.
 */
#ifndef ALMA_CONVOLUTION_DEPTHWISE_H
#define ALMA_CONVOLUTION_DEPTHWISE_H

#include "convolution-sizes.h"

/* The taps of a position that lie inside. */
#define FOR_TAPS(conv, place, i, j, tap) \
  for (int64_t i = (place).top; i < (place).bottom; i++) \
    for (int64_t j = (place).left, tap = i * (conv)->window.s + j; j < (place).right; j++, tap++)

static void depthwise(const Convolution *conv, const float *x, const float *kernel, const float *bias, float *y) {
  const Window *g = &conv->window;
  const int64_t f = conv->f, multiplier = conv->group_f;
  for (int64_t position = 0; position < conv->positions; position++) {
    const Place place = place_of(g, position);
    float *to = y + position * f;
    if (multiplier == 1) {
      FOR_VECTORS(at, count, f) {
        Vec sum = bias == NULL ? splat(0.0f) : load_at(bias + at, count);
        FOR_TAPS(conv, place, i, j, tap)
          sum = multiply_add(load_at(x + cell_below(g, &place, i, j) + at, count), load_at(kernel + tap * f + at, count), sum);
        store_at(to + at, sum, count);
      }
      continue;
    }
    for (int64_t channel = 0; channel < g->c; channel++)
      FOR_VECTORS(m, count, multiplier) {
        const int64_t at = channel * multiplier + m;
        Vec sum = bias == NULL ? splat(0.0f) : load_at(bias + at, count);
        FOR_TAPS(conv, place, i, j, tap)
          sum = multiply_add(splat(x[cell_below(g, &place, i, j) + channel]), load_at(kernel + tap * f + at, count), sum);
        store_at(to + at, sum, count);
      }
  }
}

static void depthwise_grad_input(const Convolution *conv, const float *dy, const float *kernel, float *dx) {
  const Window *g = &conv->window;
  const int64_t f = conv->f, multiplier = conv->group_f;
  for (int64_t position = 0; position < conv->positions; position++) {
    const Place place = place_of(g, position);
    FOR_TAPS(conv, place, i, j, tap) {
      float *to = dx + cell_below(g, &place, i, j);
      const float *gradient = dy + position * f, *weights = kernel + tap * f;
      if (multiplier == 1) {
        FOR_VECTORS(at, count, f)
          store_at(to + at, multiply_add(load_at(gradient + at, count), load_at(weights + at, count), load_at(to + at, count)), count);
        continue;
      }
      for (int64_t channel = 0; channel < g->c; channel++) {
        Lanes sum = splat_lanes(0);
        for (int64_t m = 0; m < multiplier; m += LANES) {
          const Lanes a = load_lanes(gradient + channel * multiplier + m, multiplier - m, 0), b = load_lanes(weights + channel * multiplier + m, multiplier - m, 0);
          for (int v = 0; v < LANE_VECTORS; v++) sum.part[v] = multiply_add(a.part[v], b.part[v], sum.part[v]);
        }
        to[channel] += sum_lanes(sum);
      }
    }
  }
}

static void depthwise_grad_kernel(const Convolution *conv, const float *x, const float *dy, float *dkernel) {
  const Window *g = &conv->window;
  const int64_t f = conv->f, multiplier = conv->group_f;
  for (int64_t position = 0; position < conv->positions; position++) {
    const Place place = place_of(g, position);
    FOR_TAPS(conv, place, i, j, tap) {
      const float *cell = x + cell_below(g, &place, i, j), *gradient = dy + position * f;
      float *to = dkernel + tap * f;
      if (multiplier == 1) {
        FOR_VECTORS(at, count, f)
          store_at(to + at, multiply_add(load_at(cell + at, count), load_at(gradient + at, count), load_at(to + at, count)), count);
        continue;
      }
      for (int64_t channel = 0; channel < g->c; channel++)
        FOR_VECTORS(m, count, multiplier) {
          const int64_t at = channel * multiplier + m;
          store_at(to + at, multiply_add(splat(cell[channel]), load_at(gradient + at, count), load_at(to + at, count)), count);
        }
    }
  }
}

#endif
