/* h' = a(x W + h U). Formulas and order of buffers: src/engine/ops/simple-rnn.ts and recurrent-op.ts. */
#include "recurrence.h"

static void simple_rnn(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const float *projected = buffers[0], *kernel = buffers[1], *h0 = buffers[2];
  float *y = buffers[5], *h = buffers[6], *gates = buffers[7], *before = buffers[8], *product = buffers[9], *fed = buffers[10];
  const Walk w = walk_of(dims, scalars, buffers[3], buffers[4], step);
  const int64_t u = w.units;
  start_from(h, h0, &w);
  for (int64_t p = 0; p < w.steps; p++) {
    save_state(&w, p, h, before);
    feed_forward(&w, h, kernel, product, fed);
    for (int64_t row = 0; row < w.rows; row++) {
      const int64_t at = row * w.steps + time_of(&w, p);
      float *gate = gates + at * u;
      if (is_masked(&w, at)) {
        clear_row(gate, u);
        continue;
      }
      FOR_VECTORS(j, count, u) store_at(gate + j, load_at(projected + at * u + j, count) + load_at(product + row * u + j, count), count);
      activate_cell(w.activation, gate, u);
      copy_row(h + row * u, gate, u);
    }
    put_outputs(&w, p, h, y);
  }
}

static void simple_rnn_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const float *gates = buffers[0], *kernel = buffers[1], *before = buffers[2], *dy = buffers[5], *dh_final = buffers[6];
  float *dz = buffers[7], *d_kernel = buffers[8], *dh = buffers[9], *fed = buffers[10], *fed_all = buffers[11];
  const Walk w = walk_of(dims, scalars, buffers[3], buffers[4], step);
  const int64_t u = w.units;
  start_from(dh, dh_final, &w);
  for (int64_t p = w.steps - 1; p >= 0; p--) {
    take_gradients(&w, p, dy, dh);
    for (int64_t row = 0; row < w.rows; row++) {
      const int64_t at = row * w.steps + time_of(&w, p);
      if (is_masked(&w, at)) {
        clear_row(dz + at * u, u);
        continue;
      }
      multiply_cell_slopes(w.activation, gates + at * u, dh + row * u, u);
      copy_row(dz + at * u, dh + row * u, u);
      clear_row(dh + row * u, u);
    }
    feed_backward(&w, p, dz, kernel, 0, u, fed);
    return_gradients(&w, fed, dh);
  }
  kernel_gradient(&w, before, w.dropout, dz, 0, u, fed_all, d_kernel);
}
