/* h' = a(x W + h U). Formulas and order of buffers: src/engine/ops/simple-rnn.ts and recurrent-op.ts. */
#include "recurrence.h"

static void simple_rnn_rows(const Walk *w, void *const *buffers) {
  const int64_t u = w->units;
  const float *projected = rows_of(buffers[0], w, w->steps * u), *packed = buffers[11];
  float *y = rows_of(buffers[5], w, w->output_steps * u), *h = rows_of(buffers[6], w, u), *gates = rows_of(buffers[7], w, w->steps * u);
  float *before = rows_of(buffers[8], w, w->steps * u), *product = rows_of(buffers[9], w, u), *fed = rows_of(buffers[10], w, u);
  start_from(h, rows_of(buffers[2], w, u), w);
  for (int64_t p = 0; p < w->steps; p++) {
    save_state(w, p, h, before);
    feed_forward(w, h, packed, product, fed);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      float *gate = gates + at * u;
      if (is_masked(w, at)) {
        clear_row(gate, u);
        continue;
      }
      FOR_VECTORS(j, count, u) store_at(gate + j, load_at(projected + at * u + j, count) + load_at(product + row * u + j, count), count);
      activate_cell(w->activation, gate, u);
      copy_row(h + row * u, gate, u);
    }
    put_outputs(w, p, h, y);
  }
}

static void simple_rnn(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[3], buffers[4], step);
  pack_forward(&w, buffers[1], 0, w.width, buffers[11]);
  walk_rows(&w, simple_rnn_rows, buffers, step);
}

static void simple_rnn_rows_grad(const Walk *w, void *const *buffers) {
  const int64_t u = w->units;
  const float *gates = rows_of(buffers[0], w, w->steps * u), *dy = rows_of(buffers[5], w, w->output_steps * u), *packed = buffers[12];
  float *dz = rows_of(buffers[7], w, w->steps * u), *dh = rows_of(buffers[9], w, u), *fed = rows_of(buffers[10], w, u);
  start_from(dh, rows_of(buffers[6], w, u), w);
  for (int64_t p = w->steps - 1; p >= 0; p--) {
    take_gradients(w, p, dy, dh);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      if (is_masked(w, at)) {
        clear_row(dz + at * u, u);
        continue;
      }
      multiply_cell_slopes(w->activation, gates + at * u, dh + row * u, u);
      copy_row(dz + at * u, dh + row * u, u);
      clear_row(dh + row * u, u);
    }
    feed_backward(w, p, dz, packed, 0, u, fed);
    return_gradients(w, fed, dh);
  }
}

static void simple_rnn_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[3], buffers[4], step);
  pack_backward(&w, buffers[1], 0, w.width, buffers[12]);
  walk_rows(&w, simple_rnn_rows_grad, buffers, step);
  kernel_gradient(&w, buffers[2], w.dropout, buffers[7], 0, w.width, buffers[11], buffers[8], step);
}
