/*
 * Convolution: x (n, h, w, c), kernel (r, s, d, f), y (n, p, q, f). Formulas and order of arguments:
 * src/engine/ops/convolution-kernels.ts. How each is computed is a matter of its sizes alone:
 *
 *   one channel per group          convolution-depthwise.h
 *   3x3 that moves by one cell,    winograd.h
 *     many channels, one group
 *   one group, no dilation         correlation.h
 *   anything else, and 1x1         convolution-lowered.h
 *
 * With strides of one the gradient of x is a correlation too: of dy with the kernel turned around, its channels and filters swapped.
 */
#include "convolution-depthwise.h"
#include "convolution-lowered.h"
#include "winograd.h"

/* The kernel (r, s, d, f) as it lies. */
static Correlation correlation_of(const Convolution *conv, const float *x, const float *kernel, const float *bias, float *y, float *room) {
  return (Correlation){.window = conv->window, .f = conv->f, .x = x, .kernel = kernel,
                       .of_tap = conv->d * conv->f, .of_channel = conv->f, .of_filter = 1,
                       .bias = bias, .y = y, .room = room, .activation = conv->activation};
}

/* dx as the correlation of dy with the kernel turned by half a turn. */
static Correlation turned_correlation_of(const Convolution *conv, const float *dy, const float *kernel, const float *bias, float *dx, float *room) {
  const Window *g = &conv->window;
  const int64_t of_tap = conv->d * conv->f;
  return (Correlation){.window = {.n = g->n, .h = g->p, .w = g->q, .c = conv->f, .p = g->h, .q = g->w, .r = g->r, .s = g->s,
                                  .stride_h = 1, .stride_w = 1, .dilation_h = g->dilation_h, .dilation_w = g->dilation_w,
                                  .before_h = g->r - 1 - g->before_h, .before_w = g->s - 1 - g->before_w},
                       .f = g->c, .x = dy, .kernel = kernel + (g->r * g->s - 1) * of_tap,
                       .of_tap = -of_tap, .of_channel = 1, .of_filter = conv->f,
                       .bias = bias, .y = dx, .room = room};
}

typedef enum { LOWERED, DIRECT, WINOGRAD } Method;

/* `elements` of room per channel and filter, in whole panels. */
INLINE int has_room(const Convolution *conv, int64_t elements, int64_t c, int64_t f) {
  return elements * c * whole_panels(f, PANEL_MAX) <= conv->room;
}

INLINE Method method_of(const Convolution *conv, const Window *g, int64_t f) {
  if (conv->groups != 1 || is_pointwise(conv) || g->n == 0 || g->c == 0 || f == 0) return LOWERED;
  if (is_winograd(g, f) && has_room(conv, ELEMENTS, g->c, f)) return WINOGRAD;
  return is_correlated_directly(g, f) && has_room(conv, g->r * g->s, g->c, f) ? DIRECT : LOWERED;
}

static void convolve(Convolution conv, void *const *buffers, Step *step) {
  const float *x = buffers[0], *kernel = buffers[1], *bias = buffers[2];
  float *y = buffers[3], *room = buffers[4];
  if (is_depthwise(&conv)) {
    depthwise(&(Depthwise){.conv = &conv, .x = x, .kernel = kernel, .bias = bias, .out = y}, step);
    return;
  }
  const Correlation correlation = correlation_of(&conv, x, kernel, bias, y, room);
  const Method method = method_of(&conv, &correlation.window, correlation.f);
  if (method == WINOGRAD) correlate_winograd(&correlation, step);
  else if (method == DIRECT) correlate(&correlation, step);
  else convolution_lowered(&conv, x, kernel, bias, y, room, step);
}

static void convolution(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  convolve(convolution_of(dims, scalars), buffers, step);
}

/* y = f(convolution). */
static void convolution_activated(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  Convolution conv = convolution_of(dims, scalars);
  conv.activation = (int)scalars[6];
  convolve(conv, buffers, step);
}

static void fill_cells(float *x, int64_t cells, int64_t c, const float *bias) {
  for (int64_t cell = 0; cell < cells; cell++) {
    if (bias == NULL) zero_floats(x + cell * c, c);
    else copy_floats(x + cell * c, bias, c);
  }
}

static void convolution_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Convolution conv = convolution_of(dims, scalars);
  const Window *g = &conv.window;
  const float *dy = buffers[0], *kernel = buffers[1], *bias = buffers[2];
  float *dx = buffers[3], *room = buffers[4];
  const Correlation turned = turned_correlation_of(&conv, dy, kernel, bias, dx, room);
  const int moves_by_one = g->stride_h == 1 && g->stride_w == 1;
  const Method method = moves_by_one && !is_depthwise(&conv) ? method_of(&conv, &turned.window, turned.f) : LOWERED;
  if (method == WINOGRAD) correlate_winograd(&turned, step);
  else if (method == DIRECT) correlate(&turned, step);
  else {
    fill_cells(dx, g->n * g->h * g->w, g->c, bias);
    if (is_depthwise(&conv)) depthwise_grad_input(&(Depthwise){.conv = &conv, .dy = dy, .kernel = kernel, .out = dx}, step);
    else lowered_grad_input(&conv, dy, kernel, dx, room, step);
  }
}

static void convolution_grad_kernel(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const Convolution conv = convolution_of(dims, scalars);
  const Window *g = &conv.window;
  const float *x = buffers[0], *dy = buffers[1];
  float *dkernel = buffers[2], *room = buffers[3];
  const Method method = is_depthwise(&conv) ? LOWERED : method_of(&conv, g, conv.f);
  if (method == WINOGRAD) winograd_grad_kernel(g, conv.f, x, dy, dkernel, room, conv.room, step);
  else if (method == DIRECT) correlate_grad_kernel(g, conv.f, x, dy, dkernel, room, conv.room, step);
  else {
    memset(dkernel, 0, (size_t)(conv.taps * conv.f) * sizeof(float));
    if (is_depthwise(&conv)) depthwise_grad_kernel(&(Depthwise){.conv = &conv, .x = x, .dy = dy, .out = dkernel}, step);
    else lowered_grad_kernel(&conv, x, dy, dkernel, room, step);
  }
}
