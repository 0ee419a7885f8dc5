/*
 * Pooling over windows, channel by channel: x (n, h, w, c), y (n, p, q, c). Formulas and order of arguments:
 * src/engine/ops/pooling.ts.
 */
#include "window.h"

/* The largest of the cells inside, for `count` channels from x. A NaN stays. */
INLINE Vec largest_inside(const Window *g, const Place *place, const float *x, int64_t count) {
  Vec best = splat(-__builtin_inff());
  for (int64_t i = place->top; i < place->bottom; i++)
    for (int64_t j = place->left; j < place->right; j++) {
      const Vec next = load_at(x + cell_below(g, place, i, j), count);
      best = choose((Mask)(best >= next) | (Mask)(best != best), best, next);
    }
  return best;
}

static void max_pooling(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t position = 0; position < g.n * g.p * g.q; position++) {
    const Place place = place_of(&g, position);
    FOR_VECTORS(at, count, g.c) store_at(y + position * g.c + at, largest_inside(&g, &place, x + at, count), count);
  }
}

static void max_pooling_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  const float *x = buffers[0], *dy = buffers[1];
  float *dx = buffers[2];
  memset(dx, 0, (size_t)(g.n * g.h * g.w * g.c) * sizeof(float));
  for (int64_t position = 0; position < g.n * g.p * g.q; position++) {
    const Place place = place_of(&g, position);
    FOR_VECTORS(at, count, g.c) {
      const Vec best = largest_inside(&g, &place, x + at, count), gradient = load_at(dy + position * g.c + at, count);
      Mask open = splat_bits(-1);
      for (int64_t i = place.top; i < place.bottom; i++)
        for (int64_t j = place.left; j < place.right; j++) {
          const int64_t cell = cell_below(&g, &place, i, j) + at;
          const Mask hit = (Mask)(load_at(x + cell, count) == best) & open;
          store_at(dx + cell, load_at(dx + cell, count) + choose(hit, gradient, splat(0.0f)), count);
          open &= ~hit;
        }
    }
  }
}

INLINE Vec cells_inside(const Place *place) { return splat((float)((place->bottom - place->top) * (place->right - place->left))); }

static void average_pooling(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  const float *x = buffers[0];
  float *y = buffers[1];
  for (int64_t position = 0; position < g.n * g.p * g.q; position++) {
    const Place place = place_of(&g, position);
    FOR_VECTORS(at, count, g.c) {
      Vec sum = splat(0.0f);
      for (int64_t i = place.top; i < place.bottom; i++)
        for (int64_t j = place.left; j < place.right; j++) sum += load_at(x + cell_below(&g, &place, i, j) + at, count);
      store_at(y + position * g.c + at, sum / cells_inside(&place), count);
    }
  }
}

static void average_pooling_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  const float *dy = buffers[0];
  float *dx = buffers[1];
  memset(dx, 0, (size_t)(g.n * g.h * g.w * g.c) * sizeof(float));
  for (int64_t position = 0; position < g.n * g.p * g.q; position++) {
    const Place place = place_of(&g, position);
    FOR_VECTORS(at, count, g.c) {
      const Vec share = load_at(dy + position * g.c + at, count) / cells_inside(&place);
      for (int64_t i = place.top; i < place.bottom; i++)
        for (int64_t j = place.left; j < place.right; j++) {
          const int64_t cell = cell_below(&g, &place, i, j) + at;
          store_at(dx + cell, load_at(dx + cell, count) + share, count);
        }
    }
  }
}
