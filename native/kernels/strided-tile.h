/*
 * A register tile of a matrix product whose sum walks two nested strides, so that the cells below a window are multiplied where they
 * lie: c (rows, columns) = init + sum over o < outer, p < depth of a[o, p, row] b[o, p, column].
 *
 *   a[o, p, row]     at a + o * a_outer + p * a_step + row * a_row
 *   b[o, p, column]  at b + o * b_outer + p * b_step + column, whole vectors of it readable
 *
 * Every element of c is one chain of fused multiply-adds, o by o and p by p, whatever tile or vector it falls in.
 */
#ifndef ALMA_STRIDED_TILE_H
#define ALMA_STRIDED_TILE_H

#include "vector.h"

#if defined(__AVX512F__)
#define STRIDED_ROWS 14
#elif defined(__aarch64__)
#define STRIDED_ROWS 12
#else
#define STRIDED_ROWS 6
#endif
#define STRIDED_COLUMNS (2 * WIDTH)
/* A multiple of STRIDED_COLUMNS at every width: what memory is planned for must not depend on the instruction set. */
#define PANEL_MAX 32

typedef struct {
  int64_t outer, depth;
  const float *a;
  int64_t a_row, a_step, a_outer;
  const float *b;
  int64_t b_step, b_outer;
  /* Rows of `init` may be one row (stride 0). */
  const float *init;
  int64_t init_row;
  float *c;
  int64_t c_row;
} StridedTile;

INLINE void compute_strided(const int rows, const int vectors, const int64_t a_row, const StridedTile *tile) {
  Vec sum[STRIDED_ROWS][2];
  const int64_t a_step = tile->a_step, b_step = tile->b_step;
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = load(tile->init + i * tile->init_row + j * WIDTH);
  for (int64_t o = 0; o < tile->outer; o++) {
    const float *a = tile->a + o * tile->a_outer, *b = tile->b + o * tile->b_outer;
    for (int64_t p = 0; p < tile->depth; p++) {
      Vec row[2];
      UNROLL for (int j = 0; j < vectors; j++) row[j] = load(b + j * WIDTH);
      UNROLL for (int i = 0; i < rows; i++) {
        const Vec factor = splat(a[i * a_row]);
        UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
      }
      a += a_step;
      b += b_step;
    }
  }
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int j = 0; j < vectors; j++) store(tile->c + i * tile->c_row + j * WIDTH, sum[i][j]);
}

typedef void (*StridedFunction)(const StridedTile *tile);

#define STRIDED(layout, rows, vectors, a_row) \
  static __attribute__((noinline)) void strided_##layout##_##rows##_##vectors(const StridedTile *tile) { \
    compute_strided(rows, vectors, a_row, tile); \
  }
#define STRIDED_PAIR(layout, rows, a_row) STRIDED(layout, rows, 1, a_row) STRIDED(layout, rows, 2, a_row)
#define STRIDED_ENTRY(layout, rows) {strided_##layout##_##rows##_1, strided_##layout##_##rows##_2}

/* Heights tiles come in, for rows that lie `a_row` apart and for rows side by side. */
#if STRIDED_ROWS == 6
#define STRIDED_HEIGHTS 5
#define STRIDED_EACH(layout, make) make(layout, 6) make(layout, 4) make(layout, 3) make(layout, 2) make(layout, 1)
#define STRIDED_TABLE(layout) \
  {STRIDED_ENTRY(layout, 6), STRIDED_ENTRY(layout, 4), STRIDED_ENTRY(layout, 3), STRIDED_ENTRY(layout, 2), STRIDED_ENTRY(layout, 1)}
static const int STRIDED_HEIGHT[] = {6, 4, 3, 2, 1};
#else
#define STRIDED_HEIGHTS 7
#define STRIDED_EACH(layout, make) \
  make(layout, 9) make(layout, 6) make(layout, 4) make(layout, 3) make(layout, 2) make(layout, 1)
#if STRIDED_ROWS == 14
#define STRIDED_TALLEST(layout) STRIDED_ENTRY(layout, 14)
#else
#define STRIDED_TALLEST(layout) STRIDED_ENTRY(layout, 12)
#endif
#define STRIDED_TABLE(layout) \
  {STRIDED_TALLEST(layout), STRIDED_ENTRY(layout, 9), STRIDED_ENTRY(layout, 6), STRIDED_ENTRY(layout, 4), \
   STRIDED_ENTRY(layout, 3), STRIDED_ENTRY(layout, 2), STRIDED_ENTRY(layout, 1)}
static const int STRIDED_HEIGHT[] = {STRIDED_ROWS, 9, 6, 4, 3, 2, 1};
#endif

#define STRIDED_APART(layout, rows) STRIDED_PAIR(layout, rows, tile->a_row)
#define STRIDED_BESIDE(layout, rows) STRIDED_PAIR(layout, rows, 1)
#if STRIDED_ROWS == 14
STRIDED_APART(apart, 14) STRIDED_BESIDE(beside, 14)
#elif STRIDED_ROWS == 12
STRIDED_APART(apart, 12) STRIDED_BESIDE(beside, 12)
#endif
STRIDED_EACH(apart, STRIDED_APART)
STRIDED_EACH(beside, STRIDED_BESIDE)

static const StridedFunction APART_TILES[STRIDED_HEIGHTS][2] = STRIDED_TABLE(apart);
static const StridedFunction BESIDE_TILES[STRIDED_HEIGHTS][2] = STRIDED_TABLE(beside);

/* A tile whose columns end within a vector goes through a copy. */
static void run_narrow_strided(StridedFunction function, const StridedTile *tile, int height, int64_t columns) {
  float copy[STRIDED_ROWS * STRIDED_COLUMNS] = {0};
  StridedTile padded = *tile;
  for (int i = 0; i < height; i++) memcpy(copy + i * STRIDED_COLUMNS, tile->init + i * tile->init_row, (size_t)columns * sizeof(float));
  padded.init = padded.c = copy;
  padded.init_row = padded.c_row = STRIDED_COLUMNS;
  function(&padded);
  for (int i = 0; i < height; i++) memcpy(tile->c + i * tile->c_row, copy + i * STRIDED_COLUMNS, (size_t)columns * sizeof(float));
}

/* Any number of rows by at most STRIDED_COLUMNS columns. */
static void multiply_strided(int64_t rows, int64_t columns, StridedTile tile) {
  const int vectors = columns > WIDTH ? 2 : 1;
  const int is_narrow = columns != vectors * WIDTH;
  const StridedFunction(*tiles)[2] = tile.a_row == 1 ? BESIDE_TILES : APART_TILES;
  for (int64_t left = rows; left > 0;) {
    int height = 0;
    while (STRIDED_HEIGHT[height] > left) height++;
    const int count = STRIDED_HEIGHT[height];
    if (is_narrow) run_narrow_strided(tiles[height][vectors - 1], &tile, count, columns);
    else tiles[height][vectors - 1](&tile);
    tile.a += count * tile.a_row;
    tile.init += count * tile.init_row;
    tile.c += count * tile.c_row;
    left -= count;
  }
}

/* Columns rounded up to whole panels. */
INLINE int64_t whole_panels(int64_t columns, int64_t panel) { return (columns + panel - 1) / panel * panel; }

#endif
