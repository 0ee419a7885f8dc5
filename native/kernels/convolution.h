/*
 * Convolution: x (n, h, w, c), kernel (r, s, d, f), y (n, p, q, f). Formulas and order of arguments:
 * src/engine/ops/convolution-kernels.ts.
 *
 * Lowered to matrix products (Chellapilla, Puri and Simard 2006): the cells below a block of positions are copied to the rows of a
 * matrix (block, r s d), which meets the kernel (r s d, f) as it lies. The sums go on from block to block, so that how positions are
 * cut into blocks changes no bit. A 1x1 window needs no copy; one channel per group (depthwise) is computed directly.
 */
#include "gemm.h"
#include "window.h"

typedef struct {
  Window window;
  /* Filters, channels per group, groups, filters per group, columns of the lowered matrix. */
  int64_t f, d, groups, group_f, taps;
  /* Positions in all rows, and how many are lowered at once. */
  int64_t positions, block;
  int is_pointwise, is_depthwise;
} Convolution;

static Convolution convolution_of(const int64_t *dims, const double *scalars) {
  const Window g = window_of(dims, dims[7], dims[8], scalars);
  const int64_t f = dims[6], d = dims[9], groups = d == 0 ? 1 : g.c / d;
  const int64_t positions = g.n * g.p * g.q;
  const int is_pointwise = g.r * g.s == 1 && g.stride_h == 1 && g.stride_w == 1 && g.before_h == 0 && g.before_w == 0;
  return (Convolution){.window = g, .f = f, .d = d, .groups = groups, .group_f = f / groups, .taps = g.r * g.s * d,
                       .positions = positions, .block = is_pointwise ? positions : dims[10],
                       .is_pointwise = is_pointwise, .is_depthwise = d == 1 && groups > 1};
}

/* memcpy is a call; most runs are a few floats. */
INLINE void copy_floats(float *to, const float *from, int64_t count) {
  if (count >= 2 * LANES) memcpy(to, from, (size_t)count * sizeof(float));
  else
    for (int64_t i = 0; i < count; i++) to[i] = from[i];
}

INLINE void zero_floats(float *to, int64_t count) {
  for (int64_t i = 0; i < count; i++) to[i] = 0;
}

INLINE void add_floats(float *to, const float *from, int64_t count) {
  FOR_VECTORS(at, some, count) store_at(to + at, load_at(to + at, some) + load_at(from + at, some), some);
}

/* Whether the cells below a row of taps lie side by side in x. */
INLINE int is_contiguous(const Convolution *conv) { return conv->groups == 1 && conv->window.dilation_w == 1; }

/* Rows of the lowered matrix for `count` positions from `from`, channels of one group. */
static void lower(const Convolution *conv, const float *x, int64_t group, int64_t from, int64_t count, float *rows) {
  const Window *g = &conv->window;
  const int64_t d = conv->d, line = g->s * d;
  for (int64_t position = from; position < from + count; position++) {
    const Place place = place_of(g, position);
    for (int64_t i = 0; i < g->r; i++, rows += line) {
      if (i < place.top || i >= place.bottom || place.left >= place.right) {
        zero_floats(rows, line);
        continue;
      }
      zero_floats(rows, place.left * d);
      if (is_contiguous(conv)) copy_floats(rows + place.left * d, x + cell_below(g, &place, i, place.left), (place.right - place.left) * d);
      else
        for (int64_t j = place.left; j < place.right; j++) copy_floats(rows + j * d, x + cell_below(g, &place, i, j) + group * d, d);
      zero_floats(rows + place.right * d, line - place.right * d);
    }
  }
}

/* The transpose of `lower`: adds the rows to the cells they would be copied from. */
static void raise(const Convolution *conv, const float *rows, int64_t group, int64_t from, int64_t count, float *dx) {
  const Window *g = &conv->window;
  const int64_t d = conv->d;
  for (int64_t position = from; position < from + count; position++, rows += conv->taps) {
    const Place place = place_of(g, position);
    for (int64_t i = place.top; i < place.bottom; i++) {
      const float *line = rows + i * g->s * d;
      if (place.left >= place.right) continue;
      if (is_contiguous(conv)) add_floats(dx + cell_below(g, &place, i, place.left), line + place.left * d, (place.right - place.left) * d);
      else
        for (int64_t j = place.left; j < place.right; j++) add_floats(dx + cell_below(g, &place, i, j) + group * d, line + j * d, d);
    }
  }
}

/* The lowered matrix of a block: x itself where the window is one cell. */
INLINE Matrix lowered(const Convolution *conv, const float *x, int64_t group, int64_t from, int64_t count, float *room) {
  if (conv->is_pointwise) return (Matrix){x + from * conv->window.c + group * conv->d, conv->window.c, 1};
  lower(conv, x, group, from, count, room);
  return (Matrix){room, conv->taps, 1};
}

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

static void convolution(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Convolution conv = convolution_of(dims, scalars);
  const float *x = buffers[0], *kernel = buffers[1], *bias = buffers[2];
  float *y = buffers[3];
  if (conv.is_depthwise) {
    depthwise(&conv, x, kernel, bias, y);
    return;
  }
  for (int64_t from = 0; from < conv.positions; from += conv.block) {
    const int64_t count = smaller(conv.block, conv.positions - from);
    for (int64_t group = 0; group < conv.groups; group++)
      multiply_into(&(Product){.m = count, .n = conv.group_f, .k = conv.taps,
                               .a = lowered(&conv, x, group, from, count, buffers[4]),
                               .b = {kernel + group * conv.group_f, conv.f, 1},
                               .init = bias == NULL ? NULL : bias + group * conv.group_f,
                               .c = y + from * conv.f + group * conv.group_f, .c_row = conv.f},
                    step->scratch);
  }
}

/* dx = bias + the rows dy W^T, raised. */
static void convolution_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Convolution conv = convolution_of(dims, scalars);
  const float *dy = buffers[0], *kernel = buffers[1], *bias = buffers[2];
  float *dx = buffers[3], *rows = buffers[4];
  const int64_t c = conv.window.c, cells = conv.window.n * conv.window.h * conv.window.w;
  for (int64_t cell = 0; cell < cells; cell++) {
    if (bias == NULL) zero_floats(dx + cell * c, c);
    else copy_floats(dx + cell * c, bias, c);
  }
  if (conv.is_depthwise) {
    depthwise_grad_input(&conv, dy, kernel, dx);
    return;
  }
  for (int64_t from = 0; from < conv.positions; from += conv.block) {
    const int64_t count = smaller(conv.block, conv.positions - from);
    for (int64_t group = 0; group < conv.groups; group++) {
      Product product = {.m = count, .n = conv.taps, .k = conv.group_f,
                         .a = {dy + from * conv.f + group * conv.group_f, conv.f, 1},
                         .b = {kernel + group * conv.group_f, 1, conv.f}};
      product.c = conv.is_pointwise ? dx + from * c + group * conv.d : rows;
      product.c_row = conv.is_pointwise ? c : conv.taps;
      product.accumulate = conv.is_pointwise;
      multiply_into(&product, step->scratch);
      if (!conv.is_pointwise) raise(&conv, rows, group, from, count, dx);
    }
  }
}

/* dkernel = lowered^T dy, summed over the positions in order. */
static void convolution_grad_kernel(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Convolution conv = convolution_of(dims, scalars);
  const float *x = buffers[0], *dy = buffers[1];
  float *dkernel = buffers[2];
  memset(dkernel, 0, (size_t)(conv.taps * conv.f) * sizeof(float));
  if (conv.is_depthwise) {
    depthwise_grad_kernel(&conv, x, dy, dkernel);
    return;
  }
  for (int64_t from = 0; from < conv.positions; from += conv.block) {
    const int64_t count = smaller(conv.block, conv.positions - from);
    for (int64_t group = 0; group < conv.groups; group++) {
      const Matrix rows = lowered(&conv, x, group, from, count, buffers[3]);
      multiply_into(&(Product){.m = conv.taps, .n = conv.group_f, .k = count,
                               .a = {rows.data, 1, rows.row},
                               .b = {dy + from * conv.f + group * conv.group_f, conv.f, 1},
                               .c = dkernel + group * conv.group_f, .c_row = conv.f, .accumulate = 1},
                    step->scratch);
    }
  }
}
