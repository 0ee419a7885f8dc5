/* What the three kernels of a convolution are told: the order of src/engine/ops/convolution-kernels.ts. */
#ifndef ALMA_CONVOLUTION_SIZES_H
#define ALMA_CONVOLUTION_SIZES_H

#include "window.h"

typedef struct {
  Window window;
  /* Filters, channels per group, groups, filters per group, columns of the lowered matrix. */
  int64_t f, d, groups, group_f, taps;
  /* Positions in all rows; floats of the room the kernels share. */
  int64_t positions, room;
  /* Of y, by its code in cell-activations.h: 0 is none. */
  int activation;
} Convolution;

INLINE Convolution convolution_of(const int64_t *dims, const double *scalars) {
  const Window g = window_of(dims, dims[7], dims[8], scalars);
  const int64_t f = dims[6], d = dims[9], groups = d == 0 ? 1 : g.c / d;
  return (Convolution){.window = g, .f = f, .d = d, .groups = groups, .group_f = f / groups, .taps = g.r * g.s * d,
                       .positions = g.n * g.p * g.q, .room = dims[10]};
}

INLINE int is_depthwise(const Convolution *conv) { return conv->d == 1 && conv->groups > 1; }

INLINE int is_pointwise(const Convolution *conv) {
  const Window *g = &conv->window;
  return g->r * g->s == 1 && g->stride_h == 1 && g->stride_w == 1 && g->before_h == 0 && g->before_w == 0;
}

#endif
