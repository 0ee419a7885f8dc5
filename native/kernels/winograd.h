/*
 * Windows of 3x3 cells that move one cell at a time: two by two values of y from four by four cells of x with 16 products instead of 36.
 * Winograd's F(2x2, 3x3) after Lavin and Gray, "Fast algorithms for convolutional neural networks", CVPR 2016:
 *
 *   y = A^T [ (G g G^T) * (B^T x B) ] A,   and the gradient of the kernel   dg = G^T [ (B^T x B) * (A dy A^T) ] G
 *
 * with * element by element, summed over channels (y) or tiles (dg): 16 matrix products, one per element of the 4x4 tile. All
 * coefficients are 0, 1, -1 or a half, so the transforms lose next to nothing.
 *
 * Tiles are numbered over the whole batch. A block of them is transformed, multiplied and transformed back within the caches.
 *   filters    (16, panels, c, STRIDED_COLUMNS)   in the room
 *   cells      (16, block, c)                     in the thread's scratch
 *   products   (16, block, f in whole panels)     behind them
 */
#ifndef ALMA_WINOGRAD_H
#define ALMA_WINOGRAD_H

#include "correlation.h"

#define ELEMENTS 16
/* Below these the transforms cost more than they save. */
#define WINOGRAD_CHANNELS_MIN 16
#define WINOGRAD_CHANNELS_MAX 512
/* Tiles of a block: a multiple of the tallest register tile, as many as leave room in the second-level cache for the filters. */
#define BLOCK_TILES_MIN 14
#define BLOCK_TILES_MAX 56
#define BLOCK_CHANNELS 5400

_Static_assert(ELEMENTS * BLOCK_TILES_MIN * 2 * WINOGRAD_CHANNELS_MAX * sizeof(float) <= SCRATCH_BYTES, "a block fits the scratch");

typedef struct {
  int64_t rows, columns, of_image, all;
} Tiles;

INLINE Tiles tiles_of(const Window *g) {
  const int64_t rows = (g->p + 1) / 2, columns = (g->q + 1) / 2;
  return (Tiles){rows, columns, rows * columns, g->n * rows * columns};
}

INLINE int64_t block_tiles(int64_t c, int64_t f) {
  const int64_t tiles = BLOCK_CHANNELS / (whole_panels(c, PANEL_MAX) + whole_panels(f, PANEL_MAX)) / BLOCK_TILES_MIN * BLOCK_TILES_MIN;
  return tiles < BLOCK_TILES_MIN ? BLOCK_TILES_MIN : smaller(tiles, BLOCK_TILES_MAX);
}

/* Whether the window is of the kind, and wide enough that tiles which stick out do not outweigh the products saved. */
INLINE int is_winograd(const Window *g, int64_t f) {
  const Tiles tiles = tiles_of(g);
  return g->r == 3 && g->s == 3 && g->stride_h == 1 && g->stride_w == 1 && g->dilation_h == 1 && g->dilation_w == 1 &&
         g->c >= WINOGRAD_CHANNELS_MIN && f >= WINOGRAD_CHANNELS_MIN && g->c <= WINOGRAD_CHANNELS_MAX && f <= WINOGRAD_CHANNELS_MAX &&
         8 * tiles.of_image <= 3 * g->p * g->q;
}

/* The upper left position of a tile, and its row of the batch. */
typedef struct {
  int64_t row, y, x;
} TilePlace;

INLINE TilePlace place_of_tile(const Tiles *tiles, int64_t tile) {
  const int64_t in_image = tile % tiles->of_image;
  return (TilePlace){tile / tiles->of_image, in_image / tiles->columns * 2, in_image % tiles->columns * 2};
}

INLINE void next_tile(const Tiles *tiles, TilePlace *place) {
  place->x += 2;
  if (place->x < 2 * tiles->columns) return;
  place->x = 0;
  place->y += 2;
  if (place->y < 2 * tiles->rows) return;
  place->y = 0;
  place->row++;
}

static const float ZERO_CELL[WINOGRAD_CHANNELS_MAX];

/* Where the cells of a tile lie: side by side in lines of x, or each at its own place where some are outside. */
typedef struct {
  const float *first;
  int64_t line;
  const float *each[ELEMENTS];
} Cells;

/* The next lines of x come from the last cache or from memory, and a tile is too short for the machine to see it coming. */
INLINE void fetch_ahead(const float *from, int64_t line, int64_t count) {
  for (int i = 0; i < 4; i++)
    for (int64_t at = 0; at < count; at += LANES) __builtin_prefetch(from + i * line + at);
}

/* B^T x B of one tile of c channels: element e at to + e * apart. */
INLINE void transform_tile(const int is_whole, const Cells *cells, int64_t c, float *to, int64_t apart) {
  EACH_VECTOR(at, some, c, {
    Vec half[ELEMENTS];
    UNROLL for (int j = 0; j < 4; j++) {
      Vec cell[4];
      UNROLL for (int i = 0; i < 4; i++) cell[i] = load_at((is_whole ? cells->first + i * cells->line + j * c : cells->each[4 * i + j]) + at, some);
      half[j] = cell[0] - cell[2];
      half[4 + j] = cell[1] + cell[2];
      half[8 + j] = cell[2] - cell[1];
      half[12 + j] = cell[1] - cell[3];
    }
    float *out = to + at;
    UNROLL for (int i = 0; i < ELEMENTS; i += 4, out += 4 * apart) {
      store_at(out, half[i] - half[i + 2], some);
      store_at(out + apart, half[i + 1] + half[i + 2], some);
      store_at(out + 2 * apart, half[i + 2] - half[i + 1], some);
      store_at(out + 3 * apart, half[i + 1] - half[i + 3], some);
    }
  });
}

/* Of `count` tiles from `first`: element e of tile t at to + (e * block + t) * c. */
static void transform_cells(const Window *g, const float *x, int64_t first, int64_t count, int64_t block, float *to) {
  const Tiles tiles = tiles_of(g);
  const int64_t c = g->c;
  TilePlace place = place_of_tile(&tiles, first);
  for (int64_t t = 0; t < count; t++, next_tile(&tiles, &place)) {
    const int64_t top = place.y - g->before_h, left = place.x - g->before_w;
    const int64_t first_cell = (place.row * g->h + top) * g->w + left;
    if (top >= 0 && left >= 0 && top + 4 <= g->h && left + 4 <= g->w) {
      fetch_ahead(x + (first_cell + 6) * c, g->w * c, 2 * c);
      transform_tile(1, &(Cells){.first = x + first_cell * c, .line = g->w * c}, c, to + t * c, block * c);
      continue;
    }
    Cells cells;
    for (int64_t e = 0; e < ELEMENTS; e++) {
      const int64_t i = top + e / 4, j = left + e % 4;
      const int is_outside = i < 0 || i >= g->h || j < 0 || j >= g->w;
      cells.each[e] = is_outside ? ZERO_CELL : x + (first_cell + e / 4 * g->w + e % 4) * c;
    }
    transform_tile(0, &cells, c, to + t * c, block * c);
  }
}

/* WIDTH weights of a tap and a channel from `filter` on, zeros beyond the last. */
INLINE Vec filters_at(const Correlation *of, int64_t tap, int64_t channel, int64_t filter) {
  const float *from = of->kernel + tap * of->of_tap + channel * of->of_channel + filter * of->of_filter;
  const int64_t count = smaller(WIDTH, of->f - filter);
  if (of->of_filter == 1) return load_at(from, count);
  float lanes[WIDTH] = {0};
  for (int64_t i = 0; i < count; i++) lanes[i] = from[i * of->of_filter];
  return load(lanes);
}

/* G g G^T of all filters, for one channel. */
static void transform_filters(void *context, int64_t channel, float *scratch) {
  (void)scratch;
  const Correlation *of = context;
  const int64_t c = of->window.c, width = whole_panels(of->f, STRIDED_COLUMNS);
  const Vec half = splat(0.5f);
  for (int64_t at = 0; at < of->f; at += WIDTH) {
    Vec rows[12];
    UNROLL for (int j = 0; j < 3; j++) {
      const Vec a = filters_at(of, j, channel, at), b = filters_at(of, 3 + j, channel, at), d = filters_at(of, 6 + j, channel, at);
      rows[j] = a;
      rows[3 + j] = half * ((a + d) + b);
      rows[6 + j] = half * ((a + d) - b);
      rows[9 + j] = d;
    }
    float *to = of->room + (at / STRIDED_COLUMNS * c + channel) * STRIDED_COLUMNS + at % STRIDED_COLUMNS;
    UNROLL for (int i = 0; i < 4; i++) {
      const Vec a = rows[3 * i], b = rows[3 * i + 1], d = rows[3 * i + 2];
      store(to + (4 * i) * c * width, a);
      store(to + (4 * i + 1) * c * width, half * ((a + d) + b));
      store(to + (4 * i + 2) * c * width, half * ((a + d) - b));
      store(to + (4 * i + 3) * c * width, d);
    }
  }
}

/* A^T of the products of `count` tiles, A and the bias, into y, and its activation. */
static void transform_products(const Correlation *of, const float *products, int64_t first, int64_t count, int64_t block) {
  const Window *g = &of->window;
  const Tiles tiles = tiles_of(g);
  const int64_t f = of->f, width = whole_panels(f, STRIDED_COLUMNS);
  TilePlace place = place_of_tile(&tiles, first);
  for (int64_t t = 0; t < count; t++, next_tile(&tiles, &place)) {
    const int64_t line = g->q * f;
    float *y = of->y + ((place.row * g->p + place.y) * g->q + place.x) * f;
    const int has_right = place.x + 1 < g->q, has_lower = place.y + 1 < g->p;
    FOR_VECTORS(at, some, f) {
      const float *m = products + t * width + at;
      const Vec shift = of->bias == NULL ? splat(0.0f) : load_at(of->bias + at, some);
      Vec upper[4], lower[4];
      UNROLL for (int j = 0; j < 4; j++) {
        const Vec a = load(m + j * block * width), b = load(m + (4 + j) * block * width);
        const Vec d = load(m + (8 + j) * block * width), e = load(m + (12 + j) * block * width);
        upper[j] = (a + b) + d;
        lower[j] = (b - d) - e;
      }
      store_at(y + at, ((upper[0] + upper[1]) + upper[2]) + shift, some);
      if (has_right) store_at(y + f + at, ((upper[1] - upper[2]) - upper[3]) + shift, some);
      if (has_lower) store_at(y + line + at, ((lower[0] + lower[1]) + lower[2]) + shift, some);
      if (has_right && has_lower) store_at(y + line + f + at, ((lower[1] - lower[2]) - lower[3]) + shift, some);
    }
    activate_rows(of->activation, y, 1 + has_lower, (1 + has_right) * f, line);
  }
}

static void correlate_block(void *context, int64_t index, float *scratch) {
  static const float zeros[STRIDED_COLUMNS];
  const Correlation *of = context;
  const Window *g = &of->window;
  const int64_t c = g->c, width = whole_panels(of->f, STRIDED_COLUMNS), block = block_tiles(c, of->f);
  const int64_t first = index * block, count = smaller(block, tiles_of(g).all - first);
  float *cells = scratch, *products = scratch + ELEMENTS * block * c;
  transform_cells(g, of->x, first, count, block, cells);
  for (int64_t e = 0; e < ELEMENTS; e++)
    for (int64_t filter = 0; filter < width; filter += STRIDED_COLUMNS)
      multiply_strided(count, smaller(STRIDED_COLUMNS, whole_panels(of->f - filter, WIDTH)),
                       (StridedTile){.outer = 1,
                                     .depth = c,
                                     .a = cells + e * block * c,
                                     .a_row = c,
                                     .a_step = 1,
                                     .b = of->room + (e * width + filter) * c,
                                     .b_step = STRIDED_COLUMNS,
                                     .init = zeros,
                                     .c = products + e * block * width + filter,
                                     .c_row = width});
  transform_products(of, products, first, count, block);
}

/* Room: 16 c times f in whole panels. */
static void correlate_winograd(const Correlation *of, Step *step) {
  const int64_t block = block_tiles(of->window.c, of->f);
  run_tasks(step, transform_filters, (void *)of, of->window.c);
  run_tasks(step, correlate_block, (void *)of, (tiles_of(&of->window).all + block - 1) / block);
}

/* A dy A^T of `count` tiles from `first`: element e of tile t at to + (e * block + t) * width, zeros beyond f. */
static void transform_gradients(const KernelGradient *of, int64_t first, int64_t count, int64_t block, float *to) {
  const Window *g = &of->window;
  const Tiles tiles = tiles_of(g);
  const int64_t f = of->f, width = whole_panels(f, WIDTH), line = g->q * f;
  TilePlace place = place_of_tile(&tiles, first);
  for (int64_t t = 0; t < count; t++, next_tile(&tiles, &place)) {
    const float *dy = of->dy + ((place.row * g->p + place.y) * g->q + place.x) * f;
    const int has_right = place.x + 1 < g->q, has_lower = place.y + 1 < g->p;
    const float *cell[4] = {dy, has_right ? dy + f : ZERO_CELL, has_lower ? dy + line : ZERO_CELL, has_right && has_lower ? dy + line + f : ZERO_CELL};
    FOR_VECTORS(at, some, f) {
      const Vec a = load_at(cell[0] + at, some), b = load_at(cell[1] + at, some);
      const Vec d = load_at(cell[2] + at, some), e = load_at(cell[3] + at, some);
      const Vec left[4] = {a, a + d, a - d, -d}, right[4] = {b, b + e, b - e, -e};
      float *out = to + t * width + at;
      UNROLL for (int i = 0; i < 4; i++) {
        store(out + (4 * i) * block * width, left[i]);
        store(out + (4 * i + 1) * block * width, left[i] + right[i]);
        store(out + (4 * i + 2) * block * width, left[i] - right[i]);
        store(out + (4 * i + 3) * block * width, -right[i]);
      }
    }
  }
}

static void sum_part_winograd(void *context, int64_t part, float *scratch) {
  const KernelGradient *of = context;
  const Window *g = &of->window;
  const int64_t c = g->c, width = whole_panels(of->f, WIDTH), block = block_tiles(c, of->f), of_image = tiles_of(g).of_image;
  float *cells = scratch, *gradients = scratch + ELEMENTS * block * c, *sums = of->room + part * of->size;
  memset(sums, 0, (size_t)of->size * sizeof(float));
  const int64_t end = part_begins(of, part + 1) * of_image;
  for (int64_t first = part_begins(of, part) * of_image; first < end; first += block) {
    const int64_t count = smaller(block, end - first);
    transform_cells(g, of->x, first, count, block, cells);
    transform_gradients(of, first, count, block, gradients);
    for (int64_t e = 0; e < ELEMENTS; e++)
      for (int64_t filter = 0; filter < width; filter += STRIDED_COLUMNS) {
        float *to = sums + e * c * width + filter;
        multiply_strided(c, smaller(STRIDED_COLUMNS, width - filter),
                         (StridedTile){.outer = 1,
                                       .depth = count,
                                       .a = cells + e * block * c,
                                       .a_row = 1,
                                       .a_step = c,
                                       .b = gradients + e * block * width + filter,
                                       .b_step = width,
                                       .init = to,
                                       .init_row = width,
                                       .c = to,
                                       .c_row = width});
      }
  }
}

/* Adds the parts in order and takes G^T, G of the sum, for one channel. */
static void add_parts_winograd(void *context, int64_t channel, float *scratch) {
  (void)scratch;
  const KernelGradient *of = context;
  const int64_t c = of->window.c, f = of->f, width = whole_panels(f, WIDTH);
  const Vec half = splat(0.5f);
  FOR_VECTORS(at, some, f) {
    Vec sum[ELEMENTS], rows[12];
    UNROLL for (int e = 0; e < ELEMENTS; e++) {
      const float *from = of->room + (e * c + channel) * width + at;
      sum[e] = load(from);
      for (int64_t part = 1; part < of->parts; part++) sum[e] += load(from + part * of->size);
    }
    UNROLL for (int j = 0; j < 4; j++) {
      const Vec both = half * (sum[4 + j] + sum[8 + j]);
      rows[j] = sum[j] + both;
      rows[4 + j] = half * (sum[4 + j] - sum[8 + j]);
      rows[8 + j] = both + sum[12 + j];
    }
    UNROLL for (int i = 0; i < 3; i++) {
      const Vec *row = rows + 4 * i, both = half * (row[1] + row[2]);
      float *to = of->dkernel + (3 * i * c + channel) * f + at;
      store_at(to, row[0] + both, some);
      store_at(to + c * f, half * (row[1] - row[2]), some);
      store_at(to + 2 * c * f, both + row[3], some);
    }
  }
}

/* Room for a part: 16 c times f in whole panels. */
static void winograd_grad_kernel(const Window *g, int64_t f, const float *x, const float *dy, float *dkernel, float *room, int64_t floats, Step *step) {
  KernelGradient of = {.window = *g, .f = f, .x = x, .dy = dy, .dkernel = dkernel, .room = room,
                       .size = ELEMENTS * g->c * whole_panels(f, PANEL_MAX)};
  of.parts = parts_of(g->n, floats, of.size);
  run_tasks(step, sum_part_winograd, &of, of.parts);
  run_tasks(step, add_parts_winograd, &of, g->c);
}

#endif
