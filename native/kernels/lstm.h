/* Blocks i, f, g, o: c' = f c + i g, h' = o a(c'). Formulas and order of buffers: src/engine/ops/lstm.ts and recurrent-op.ts. */
#include "recurrence.h"

/* One row of one step: gates hold x W and become the activated gates; h and c are the running states. */
static void lstm_row(const Walk *w, const float *projected, const float *product, float *gates, float *h, float *c) {
  const int64_t u = w->units;
  FOR_VECTORS(k, count, 4 * u) store_at(gates + k, load_at(projected + k, count) + load_at(product + k, count), count);
  activate_cell(w->gate, gates, 2 * u);
  activate_cell(w->activation, gates + 2 * u, u);
  activate_cell(w->gate, gates + 3 * u, u);
  FOR_VECTORS(j, count, u) {
    const Vec i = load_at(gates + j, count), f = load_at(gates + u + j, count), g = load_at(gates + 2 * u + j, count);
    const Vec next = multiply_add(i, g, f * load_at(c + j, count));
    store_at(c + j, next, count);
    store_at(h + j, next, count);
  }
  activate_cell(w->activation, h, u);
  multiply_rows(h, gates + 3 * u, h, u);
}

static void lstm_rows(const Walk *w, void *const *buffers) {
  const float *projected = rows_of(buffers[0], w, w->steps * w->width), *packed = buffers[14];
  float *y = rows_of(buffers[6], w, w->output_steps * w->units), *gates = rows_of(buffers[9], w, w->steps * w->width);
  float *h = rows_of(buffers[7], w, w->units), *c = rows_of(buffers[8], w, w->units), *fed = rows_of(buffers[13], w, w->units);
  float *before = rows_of(buffers[10], w, w->steps * w->units), *cells = rows_of(buffers[11], w, w->steps * w->units);
  float *product = rows_of(buffers[12], w, w->width);
  start_from(h, rows_of(buffers[2], w, w->units), w);
  start_from(c, rows_of(buffers[3], w, w->units), w);
  for (int64_t p = 0; p < w->steps; p++) {
    save_state(w, p, h, before);
    save_state(w, p, c, cells);
    feed_forward(w, h, packed, product, fed);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p), state = row * w->units;
      float *gate = gates + at * w->width;
      if (is_masked(w, at)) clear_row(gate, w->width);
      else lstm_row(w, projected + at * w->width, product + row * w->width, gate, h + state, c + state);
    }
    put_outputs(w, p, h, y);
  }
}

static void lstm(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[4], buffers[5], step);
  pack_forward(&w, buffers[1], 0, w.width, buffers[14]);
  walk_rows(&w, lstm_rows, buffers, step);
}

/*
 * One row of one step. dz may be the gates' memory. dh and dc come in as gradients of the states after the step; dc leaves as
 * that of c before it, dh as zero: all of it went into dz. `room` holds 4 u numbers.
 */
static void lstm_row_grad(const Walk *w, const float *gates, const float *c_before, float *dz, float *dh, float *dc, float *room) {
  const int64_t u = w->units;
  float *activated = room, *through = room + u;
  FOR_VECTORS(j, count, u) {
    const Vec i = load_at(gates + j, count), f = load_at(gates + u + j, count), g = load_at(gates + 2 * u + j, count);
    store_at(activated + j, multiply_add(i, g, f * load_at(c_before + j, count)), count);
    store_at(through + j, load_at(dh + j, count) * load_at(gates + 3 * u + j, count), count);
  }
  activate_cell(w->activation, activated, u);
  multiply_cell_slopes(w->activation, activated, through, u);
  add_row(through, dc, u);
  /* The gradients at the gates, then the slopes from the gates' values, which are still in their place. */
  float *at_i = room, *at_f = room + u, *at_g = room + 2 * u, *at_o = room + 3 * u;
  FOR_VECTORS(j, count, u) {
    const Vec i = load_at(gates + j, count), f = load_at(gates + u + j, count), g = load_at(gates + 2 * u + j, count);
    const Vec d = load_at(dc + j, count);
    store_at(at_o + j, load_at(dh + j, count) * load_at(activated + j, count), count);
    store_at(at_i + j, d * g, count);
    store_at(at_f + j, d * load_at(c_before + j, count), count);
    store_at(at_g + j, d * i, count);
    store_at(dc + j, d * f, count);
  }
  multiply_cell_slopes(w->gate, gates, room, 2 * u);
  multiply_cell_slopes(w->activation, gates + 2 * u, at_g, u);
  multiply_cell_slopes(w->gate, gates + 3 * u, at_o, u);
  copy_row(dz, room, 4 * u);
  clear_row(dh, u);
}

static void lstm_rows_grad(const Walk *w, void *const *buffers) {
  const float *gates = rows_of(buffers[0], w, w->steps * w->width), *cells = rows_of(buffers[3], w, w->steps * w->units);
  const float *dy = rows_of(buffers[6], w, w->output_steps * w->units), *packed = buffers[15];
  float *dz = rows_of(buffers[9], w, w->steps * w->width), *room = rows_of(buffers[13], w, w->width);
  float *dh = rows_of(buffers[11], w, w->units), *dc = rows_of(buffers[12], w, w->units);
  start_from(dh, rows_of(buffers[7], w, w->units), w);
  start_from(dc, rows_of(buffers[8], w, w->units), w);
  for (int64_t p = w->steps - 1; p >= 0; p--) {
    take_gradients(w, p, dy, dh);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p), state = row * w->units;
      if (is_masked(w, at)) clear_row(dz + at * w->width, w->width);
      else lstm_row_grad(w, gates + at * w->width, cells + at * w->units, dz + at * w->width, dh + state, dc + state, room);
    }
    feed_backward(w, p, dz, packed, 0, w->width, room);
    return_gradients(w, room, dh);
  }
}

static void lstm_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[4], buffers[5], step);
  pack_backward(&w, buffers[1], 0, w.width, buffers[15]);
  walk_rows(&w, lstm_rows_grad, buffers, step);
  kernel_gradient(&w, buffers[2], w.dropout, buffers[9], 0, w.width, buffers[14], buffers[10], step);
}
