/*
 * Pooling over windows, channel by channel: x (n, h, w, c), y (n, p, q, c). Formulas and order of arguments:
 * src/engine/ops/pooling.ts. A task is one row of the batch.
 *
 * Windows of 2x2 cells that lie side by side are the usual kind: a cell has one window at most, so that its gradient is written once and
 * nothing is added to.
 */
#include "../pool.h"
#include "window.h"

typedef struct {
  Window window;
  const float *x, *dy;
  /* y going forward, dx going back. */
  float *out;
} Pooling;

INLINE int64_t cells_of_row(const Window *g) { return g->h * g->w * g->c; }
INLINE int64_t values_of_row(const Window *g) { return g->p * g->q * g->c; }

static void pool_rows(const Window *g, Task task, Pooling pooling, Step *step) {
  pooling.window = *g;
  run_tasks(step, task, &pooling, g->n);
}

/* The larger of two, the first of equal ones; a NaN stays. */
INLINE Vec larger(Vec best, Vec next) { return choose((Mask)(best >= next) | (Mask)(best != best), best, next); }

/* Two by two cells side by side, inside x. */
INLINE int is_quartered(const Window *g) {
  return g->r == 2 && g->s == 2 && g->stride_h == 2 && g->stride_w == 2 && g->dilation_h == 1 && g->dilation_w == 1 &&
         g->before_h == 0 && g->before_w == 0 && 2 * g->p <= g->h && 2 * g->q <= g->w;
}

/* The largest of the cells inside, for `count` channels from x. */
INLINE Vec largest_inside(const Window *g, const Place *place, const float *x, int64_t count) {
  Vec best = splat(-__builtin_inff());
  for (int64_t i = place->top; i < place->bottom; i++)
    for (int64_t j = place->left; j < place->right; j++) best = larger(best, load_at(x + cell_below(g, place, i, j), count));
  return best;
}

static void max_of_quarters(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Pooling *of = context;
  const Window *g = &of->window;
  const int64_t c = g->c, line = g->w * c;
  float *y = of->out + row * values_of_row(g);
  for (int64_t p = 0; p < g->p; p++)
    for (int64_t q = 0; q < g->q; q++, y += c) {
      const float *x = of->x + row * cells_of_row(g) + 2 * p * line + 2 * q * c;
      EACH_VECTOR(at, count, c, {
        const Vec upper = larger(load_at(x + at, count), load_at(x + c + at, count));
        store_at(y + at, larger(larger(upper, load_at(x + line + at, count)), load_at(x + line + c + at, count)), count);
      });
    }
}

static void max_of_windows(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Pooling *of = context;
  const Window *g = &of->window;
  for (int64_t position = row * g->p * g->q; position < (row + 1) * g->p * g->q; position++) {
    const Place place = place_of(g, position);
    FOR_VECTORS(at, count, g->c) store_at(of->out + position * g->c + at, largest_inside(g, &place, of->x + at, count), count);
  }
}

static void max_pooling(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  pool_rows(&g, is_quartered(&g) ? max_of_quarters : max_of_windows, (Pooling){.x = buffers[0], .out = buffers[1]}, step);
}

/* Gives the gradient to the cell if it is the largest and none before it was. */
INLINE void give(float *dx, Vec cell, Vec best, Vec gradient, Mask *open, int64_t count) {
  const Mask hit = (Mask)(cell == best) & *open;
  store_at(dx, (Vec)(hit & (Mask)gradient), count);
  *open &= ~hit;
}

/* Cells right of and below all windows get nothing. */
static void clear_rest(const Window *g, float *dx) {
  const int64_t line = g->w * g->c, covered = 2 * g->q * g->c;
  if (covered < line)
    for (int64_t i = 0; i < 2 * g->p; i++) memset(dx + i * line + covered, 0, (size_t)(line - covered) * sizeof(float));
  memset(dx + 2 * g->p * line, 0, (size_t)((g->h - 2 * g->p) * line) * sizeof(float));
}

static void max_of_quarters_grad(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Pooling *of = context;
  const Window *g = &of->window;
  const int64_t c = g->c, line = g->w * c, begin = row * cells_of_row(g);
  const float *dy = of->dy + row * values_of_row(g);
  clear_rest(g, of->out + begin);
  for (int64_t p = 0; p < g->p; p++)
    for (int64_t q = 0; q < g->q; q++, dy += c) {
      const float *x = of->x + begin + 2 * p * line + 2 * q * c;
      float *dx = of->out + begin + 2 * p * line + 2 * q * c;
      EACH_VECTOR(at, count, c, {
        const Vec cells[4] = {load_at(x + at, count), load_at(x + c + at, count), load_at(x + line + at, count), load_at(x + line + c + at, count)};
        const Vec best = larger(larger(larger(cells[0], cells[1]), cells[2]), cells[3]), gradient = load_at(dy + at, count);
        Mask open = splat_bits(-1);
        give(dx + at, cells[0], best, gradient, &open, count);
        give(dx + c + at, cells[1], best, gradient, &open, count);
        give(dx + line + at, cells[2], best, gradient, &open, count);
        give(dx + line + c + at, cells[3], best, gradient, &open, count);
      });
    }
}

static void max_of_windows_grad(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Pooling *of = context;
  const Window *g = &of->window;
  float *dx = of->out;
  memset(dx + row * cells_of_row(g), 0, (size_t)cells_of_row(g) * sizeof(float));
  for (int64_t position = row * g->p * g->q; position < (row + 1) * g->p * g->q; position++) {
    const Place place = place_of(g, position);
    FOR_VECTORS(at, count, g->c) {
      const Vec best = largest_inside(g, &place, of->x + at, count), gradient = load_at(of->dy + position * g->c + at, count);
      Mask open = splat_bits(-1);
      for (int64_t i = place.top; i < place.bottom; i++)
        for (int64_t j = place.left; j < place.right; j++) {
          const int64_t cell = cell_below(g, &place, i, j) + at;
          const Mask hit = (Mask)(load_at(of->x + cell, count) == best) & open;
          store_at(dx + cell, load_at(dx + cell, count) + choose(hit, gradient, splat(0.0f)), count);
          open &= ~hit;
        }
    }
  }
}

static void max_pooling_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  pool_rows(&g, is_quartered(&g) ? max_of_quarters_grad : max_of_windows_grad,
            (Pooling){.x = buffers[0], .dy = buffers[1], .out = buffers[2]}, step);
}

INLINE Vec cells_inside(const Place *place) { return splat((float)((place->bottom - place->top) * (place->right - place->left))); }

static void average_of_windows(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Pooling *of = context;
  const Window *g = &of->window;
  for (int64_t position = row * g->p * g->q; position < (row + 1) * g->p * g->q; position++) {
    const Place place = place_of(g, position);
    FOR_VECTORS(at, count, g->c) {
      Vec sum = splat(0.0f);
      for (int64_t i = place.top; i < place.bottom; i++)
        for (int64_t j = place.left; j < place.right; j++) sum += load_at(of->x + cell_below(g, &place, i, j) + at, count);
      store_at(of->out + position * g->c + at, sum / cells_inside(&place), count);
    }
  }
}

static void average_pooling(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  pool_rows(&g, average_of_windows, (Pooling){.x = buffers[0], .out = buffers[1]}, step);
}

static void average_of_windows_grad(void *context, int64_t row, float *scratch) {
  (void)scratch;
  const Pooling *of = context;
  const Window *g = &of->window;
  float *dx = of->out;
  memset(dx + row * cells_of_row(g), 0, (size_t)cells_of_row(g) * sizeof(float));
  for (int64_t position = row * g->p * g->q; position < (row + 1) * g->p * g->q; position++) {
    const Place place = place_of(g, position);
    FOR_VECTORS(at, count, g->c) {
      const Vec share = load_at(of->dy + position * g->c + at, count) / cells_inside(&place);
      for (int64_t i = place.top; i < place.bottom; i++)
        for (int64_t j = place.left; j < place.right; j++) {
          const int64_t cell = cell_below(g, &place, i, j) + at;
          store_at(dx + cell, load_at(dx + cell, count) + share, count);
        }
    }
  }
}

static void average_pooling_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Window g = window_of(dims, dims[6], dims[7], scalars);
  pool_rows(&g, average_of_windows_grad, (Pooling){.dy = buffers[0], .out = buffers[1]}, step);
}
