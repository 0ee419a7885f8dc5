/*
 * Convolution with one channel per group: x (n, h, w, c), kernel (r, s, c, m), y (n, p, q, c m). Every channel meets its own m filters,
 * so there is no matrix product in it: channels lie in the lanes of a vector (m = 1), or the filters of a channel do. A task is one row
 * of the batch, or for the gradient of the kernel the filters of LANES channels.
 */
#ifndef ALMA_CONVOLUTION_DEPTHWISE_H
#define ALMA_CONVOLUTION_DEPTHWISE_H

#include "../pool.h"
#include "cell-activations.h"
#include "convolution-sizes.h"

typedef struct {
  const Convolution *conv;
  const float *x, *dy, *kernel, *bias;
  /* y, dx or dkernel. */
  float *out;
} Depthwise;

/* The taps of a position that lie inside. */
#define FOR_TAPS(conv, place, i, j, tap) \
  for (int64_t i = (place).top; i < (place).bottom; i++) \
    for (int64_t j = (place).left, tap = i * (conv)->window.s + j; j < (place).right; j++, tap++)

static void depthwise_row(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Depthwise *of = context;
  const Convolution *conv = of->conv;
  const Window *g = &conv->window;
  const float *x = of->x, *kernel = of->kernel, *bias = of->bias;
  const int64_t f = conv->f, multiplier = conv->group_f;
  for (int64_t position = row * g->p * g->q; position < (row + 1) * g->p * g->q; position++) {
    const Place place = place_of(g, position);
    float *to = of->out + position * f;
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
  activate_rows(conv->activation, of->out + row * g->p * g->q * f, g->p * g->q, f, f);
}

/* out += what the positions of a row give back to their cells. */
static void depthwise_row_grad(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Depthwise *of = context;
  const Convolution *conv = of->conv;
  const Window *g = &conv->window;
  const int64_t f = conv->f, multiplier = conv->group_f;
  for (int64_t position = row * g->p * g->q; position < (row + 1) * g->p * g->q; position++) {
    const Place place = place_of(g, position);
    FOR_TAPS(conv, place, i, j, tap) {
      float *to = of->out + cell_below(g, &place, i, j);
      const float *gradient = of->dy + position * f, *weights = of->kernel + tap * f;
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

/* out += cells times gradients of LANES channels from `block` * LANES on, position by position. */
static void depthwise_channels_grad(void *context, int64_t block, float *scratch) {
  (void)scratch;
  const Depthwise *of = context;
  const Convolution *conv = of->conv;
  const Window *g = &conv->window;
  const int64_t f = conv->f, multiplier = conv->group_f, from = block * LANES, end = from + LANES < g->c ? from + LANES : g->c;
  for (int64_t position = 0; position < conv->positions; position++) {
    const Place place = place_of(g, position);
    FOR_TAPS(conv, place, i, j, tap) {
      const float *cell = of->x + cell_below(g, &place, i, j), *gradient = of->dy + position * f;
      float *to = of->out + tap * f;
      if (multiplier == 1) {
        FOR_VECTORS(k, count, end - from) {
          const int64_t at = from + k;
          store_at(to + at, multiply_add(load_at(cell + at, count), load_at(gradient + at, count), load_at(to + at, count)), count);
        }
        continue;
      }
      for (int64_t channel = from; channel < end; channel++)
        FOR_VECTORS(m, count, multiplier) {
          const int64_t at = channel * multiplier + m;
          store_at(to + at, multiply_add(splat(cell[channel]), load_at(gradient + at, count), load_at(to + at, count)), count);
        }
    }
  }
}

static void depthwise(const Depthwise *of, Step *step) { run_tasks(step, depthwise_row, (void *)of, of->conv->window.n); }
static void depthwise_grad_input(const Depthwise *of, Step *step) { run_tasks(step, depthwise_row_grad, (void *)of, of->conv->window.n); }
static void depthwise_grad_kernel(const Depthwise *of, Step *step) {
  run_tasks(step, depthwise_channels_grad, (void *)of, (of->conv->window.c + LANES - 1) / LANES);
}

#endif
