/*
 * Blocks z, r, h: h' = z h + (1 - z) hh, the reset gate after the product or before it. Formulas and order of buffers:
 * src/engine/ops/gru.ts, gru-reset-before.ts and recurrent-op.ts.
 */
#include "recurrence.h"

/* h = z h + (1 - z) hh. */
INLINE void mix_states(const float *gates, float *h, int64_t u) {
  FOR_VECTORS(j, count, u) {
    const Vec z = load_at(gates + j, count), candidate = load_at(gates + 2 * u + j, count);
    store_at(h + j, multiply_add(splat(1.0f) - z, candidate, z * load_at(h + j, count)), count);
  }
}

/* to = a + b + c, where c may be NULL. */
static void sum_rows(const float *a, const float *b, const float *c, float *to, int64_t n) {
  FOR_VECTORS(k, count, n) {
    const Vec sum = load_at(a + k, count) + load_at(b + k, count);
    store_at(to + k, c == NULL ? sum : sum + load_at(c + k, count), count);
  }
}

/* One row of one step. `product` is h U and becomes h U + b_r; `bias` is (2, 3 u) or NULL. */
static void gru_row(const Walk *w, const float *projected, const float *bias, float *product, float *gates, float *inner, float *h) {
  const int64_t u = w->units;
  if (bias != NULL) add_row(bias + 3 * u, product, 3 * u);
  copy_row(inner, product + 2 * u, u);
  sum_rows(projected, product, bias, gates, 2 * u);
  activate_cell(w->gate, gates, 2 * u);
  float *candidate = gates + 2 * u;
  FOR_VECTORS(j, count, u) {
    const Vec own = load_at(projected + 2 * u + j, count);
    const Vec sum = bias == NULL ? own : own + load_at(bias + 2 * u + j, count);
    store_at(candidate + j, multiply_add(load_at(gates + u + j, count), load_at(inner + j, count), sum), count);
  }
  activate_cell(w->activation, candidate, u);
  mix_states(gates, h, u);
}

static void gru_rows(const Walk *w, void *const *buffers) {
  const float *projected = rows_of(buffers[0], w, w->steps * w->width), *bias = buffers[2], *packed = buffers[13];
  float *y = rows_of(buffers[6], w, w->output_steps * w->units), *gates = rows_of(buffers[8], w, w->steps * w->width);
  float *h = rows_of(buffers[7], w, w->units), *fed = rows_of(buffers[12], w, w->units), *product = rows_of(buffers[11], w, w->width);
  float *before = rows_of(buffers[9], w, w->steps * w->units), *inner = rows_of(buffers[10], w, w->steps * w->units);
  start_from(h, rows_of(buffers[3], w, w->units), w);
  for (int64_t p = 0; p < w->steps; p++) {
    save_state(w, p, h, before);
    feed_forward(w, h, packed, product, fed);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      float *gate = gates + at * w->width, *saved = inner + at * w->units;
      if (is_masked(w, at)) {
        clear_row(gate, w->width);
        clear_row(saved, w->units);
      } else {
        gru_row(w, projected + at * w->width, bias, product + row * w->width, gate, saved, h + row * w->units);
      }
    }
    put_outputs(w, p, h, y);
  }
}

static void gru(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[4], buffers[5], step);
  pack_forward(&w, buffers[1], 0, w.width, buffers[13]);
  walk_rows(&w, gru_rows, buffers, step);
}

/* Gradients at z and hh; dh becomes the part that z carries on. dx may be the gates' memory, so both are read first. */
static void gru_row_grad(const Walk *w, const float *gates, const float *before, float *dx, float *dh) {
  const int64_t u = w->units;
  FOR_VECTORS(j, count, u) {
    const Vec z = load_at(gates + j, count), candidate = load_at(gates + 2 * u + j, count), d = load_at(dh + j, count);
    float value_z[WIDTH], value_candidate[WIDTH], d_z[WIDTH], d_candidate[WIDTH];
    store(value_z, z);
    store(value_candidate, candidate);
    store(d_z, d * (load_at(before + j, count) - candidate));
    store(d_candidate, d * (splat(1.0f) - z));
    multiply_cell_slopes(w->gate, value_z, d_z, WIDTH);
    multiply_cell_slopes(w->activation, value_candidate, d_candidate, WIDTH);
    store_at(dx + j, load(d_z), count);
    store_at(dx + 2 * u + j, load(d_candidate), count);
    store_at(dh + j, d * z, count);
  }
}

/* Gradient at r from that of `factor` r, in place of r in dx; r itself goes to `r_values`. */
static void reset_gate_grad(const Walk *w, const float *gates, const float *d, const float *factor, float *dx, float *r_values) {
  const int64_t u = w->units;
  copy_row(r_values, gates + u, u);
  multiply_rows(d, factor, dx + u, u);
  multiply_cell_slopes(w->gate, r_values, dx + u, u);
}

static void column_sums(const Walk *w, const float *dz, float *to) {
  clear_row(to, w->width);
  for (int64_t at = 0; at < w->rows * w->steps; at++) add_row(dz + at * w->width, to, w->width);
}

static void gru_rows_grad(const Walk *w, void *const *buffers) {
  const int64_t u = w->units;
  const float *gates = rows_of(buffers[0], w, w->steps * w->width), *before = rows_of(buffers[2], w, w->steps * u);
  const float *inner = rows_of(buffers[3], w, w->steps * u), *dy = rows_of(buffers[6], w, w->output_steps * u), *packed = buffers[15];
  float *dx = rows_of(buffers[8], w, w->steps * w->width), *dq = rows_of(buffers[14], w, w->steps * w->width);
  float *dh = rows_of(buffers[11], w, u), *room = rows_of(buffers[12], w, w->width);
  start_from(dh, rows_of(buffers[7], w, u), w);
  for (int64_t p = w->steps - 1; p >= 0; p--) {
    take_gradients(w, p, dy, dh);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      float *dx_row = dx + at * w->width, *dq_row = dq + at * w->width;
      if (is_masked(w, at)) {
        clear_row(dx_row, w->width);
        clear_row(dq_row, w->width);
        continue;
      }
      gru_row_grad(w, gates + at * w->width, before + at * u, dx_row, dh + row * u);
      reset_gate_grad(w, gates + at * w->width, dx_row + 2 * u, inner + at * u, dx_row, room);
      copy_row(dq_row, dx_row, 2 * u);
      multiply_rows(dx_row + 2 * u, room, dq_row + 2 * u, u);
    }
    feed_backward(w, p, dq, packed, 0, w->width, room);
    return_gradients(w, room, dh);
  }
}

static void gru_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[4], buffers[5], step);
  float *d_bias = buffers[10];
  pack_backward(&w, buffers[1], 0, w.width, buffers[15]);
  walk_rows(&w, gru_rows_grad, buffers, step);
  kernel_gradient(&w, buffers[2], w.dropout, buffers[14], 0, w.width, buffers[13], buffers[9], step);
  if (d_bias != NULL) {
    column_sums(&w, buffers[8], d_bias);
    column_sums(&w, buffers[14], d_bias + w.width);
  }
}

/* Where the columns of hh begin in a kernel packed in two parts, z r and hh. */
INLINE int64_t candidate_part(const Walk *w) { return w->units * padded_columns(2 * w->units); }

static void gru_reset_before_rows(const Walk *w, void *const *buffers) {
  const int64_t u = w->units;
  const float *projected = rows_of(buffers[0], w, w->steps * w->width), *packed = buffers[12];
  float *y = rows_of(buffers[5], w, w->output_steps * u), *h = rows_of(buffers[6], w, u), *gates = rows_of(buffers[7], w, w->steps * w->width);
  float *before = rows_of(buffers[8], w, w->steps * u), *reset = rows_of(buffers[9], w, w->steps * u);
  float *product = rows_of(buffers[10], w, w->width), *fed = rows_of(buffers[11], w, u);
  start_from(h, rows_of(buffers[2], w, u), w);
  for (int64_t p = 0; p < w->steps; p++) {
    save_state(w, p, h, before);
    if (w->dropout != NULL) multiply_rows(h, w->dropout, fed, w->rows * u);
    const float *state = w->dropout == NULL ? h : fed;
    feed_columns(w, (Matrix){state, u, 1}, packed, 2 * u, product);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      float *gate = gates + at * w->width;
      if (is_masked(w, at)) {
        clear_row(reset + at * u, u);
        continue;
      }
      sum_rows(projected + at * w->width, product + row * 2 * u, NULL, gate, 2 * u);
      activate_cell(w->gate, gate, 2 * u);
      multiply_rows(gate + u, state + row * u, reset + at * u, u);
    }
    feed_columns(w, (Matrix){reset + time_of(w, p) * u, w->steps * u, 1}, packed + candidate_part(w), u, product);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      float *gate = gates + at * w->width;
      if (is_masked(w, at)) {
        clear_row(gate, w->width);
        continue;
      }
      sum_rows(projected + at * w->width + 2 * u, product + row * u, NULL, gate + 2 * u, u);
      activate_cell(w->activation, gate + 2 * u, u);
      mix_states(gate, h + row * u, u);
    }
    put_outputs(w, p, h, y);
  }
}

static void gru_reset_before(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[3], buffers[4], step);
  float *packed = buffers[12];
  pack_forward(&w, buffers[1], 0, 2 * w.units, packed);
  pack_forward(&w, buffers[1], 2 * w.units, w.units, packed + candidate_part(&w));
  walk_rows(&w, gru_reset_before_rows, buffers, step);
}

/* Gradients at r of all rows of the p-th step. `d` (rows, u), the gradient of r h, becomes that of h. `room` holds 2 u numbers. */
static void reset_rows_grad(const Walk *w, int64_t p, const float *gates, const float *before, float *dx, float *d, float *room) {
  const int64_t u = w->units;
  float *r_values = room, *fed = room + u;
  for (int64_t row = 0; row < w->rows; row++) {
    const int64_t at = row * w->steps + time_of(w, p);
    if (is_masked(w, at)) continue;
    const float *state = before + at * u;
    if (w->dropout != NULL) {
      multiply_rows(state, w->dropout + row * u, fed, u);
      state = fed;
    }
    reset_gate_grad(w, gates + at * w->width, d + row * u, state, dx + at * w->width, r_values);
    multiply_rows(d + row * u, r_values, d + row * u, u);
  }
}

/* As candidate_part, in the transpose. */
INLINE int64_t candidate_part_backward(const Walk *w) { return 2 * w->units * padded_columns(w->units); }

static void gru_reset_before_rows_grad(const Walk *w, void *const *buffers) {
  const int64_t u = w->units;
  const float *gates = rows_of(buffers[0], w, w->steps * w->width), *before = rows_of(buffers[2], w, w->steps * u);
  const float *dy = rows_of(buffers[6], w, w->output_steps * u), *packed = buffers[13];
  float *dx = rows_of(buffers[8], w, w->steps * w->width), *dh = rows_of(buffers[10], w, u), *room = rows_of(buffers[11], w, w->width);
  float *d_reset = room;
  start_from(dh, rows_of(buffers[7], w, u), w);
  for (int64_t p = w->steps - 1; p >= 0; p--) {
    take_gradients(w, p, dy, dh);
    for (int64_t row = 0; row < w->rows; row++) {
      const int64_t at = row * w->steps + time_of(w, p);
      if (is_masked(w, at)) clear_row(dx + at * w->width, w->width);
      else gru_row_grad(w, gates + at * w->width, before + at * u, dx + at * w->width, dh + row * u);
    }
    feed_backward(w, p, dx, packed + candidate_part_backward(w), 2 * u, u, d_reset);
    reset_rows_grad(w, p, gates, before, dx, d_reset, room + w->rows * u);
    return_gradients(w, d_reset, dh);
    feed_backward(w, p, dx, packed, 0, 2 * u, d_reset);
    return_gradients(w, d_reset, dh);
  }
}

static void gru_reset_before_grad(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Walk w = walk_of(dims, scalars, buffers[4], buffers[5], step);
  float *dx = buffers[8], *d_kernel = buffers[9], *packed = buffers[13];
  const int64_t u = w.units;
  pack_backward(&w, buffers[1], 0, 2 * u, packed);
  pack_backward(&w, buffers[1], 2 * u, u, packed + candidate_part_backward(&w));
  walk_rows(&w, gru_reset_before_rows_grad, buffers, step);
  kernel_gradient(&w, buffers[2], w.dropout, dx, 0, 2 * u, buffers[12], d_kernel, step);
  kernel_gradient(&w, buffers[3], NULL, dx, 2 * u, u, NULL, d_kernel, step);
}
