/*
 * The register tile of the matrix product: rows x vectors sums over k, each element one chain of fused multiply-adds in order of k.
 * C (rows, columns) = init + A B with A read at a_row and a_step, B (depth, columns) row by row.
 *
 * Tiles are compiled for every height, for one or two vectors, for columns that fill the last vector or end within it, and for each
 * layout of A: what is known while compiling needs no registers for addresses.
 */
#ifndef ALMA_GEMM_TILE_H
#define ALMA_GEMM_TILE_H

#include "vector.h"

#if defined(__AVX512F__)
#define TILE_ROWS 14
#elif defined(__aarch64__)
#define TILE_ROWS 12
#else
#define TILE_ROWS 6
#endif
#define TILE_VECTORS 2
#define TILE_COLUMNS (TILE_VECTORS * WIDTH)
#define BLOCK_K 256
/* Distance of packed rows, padded against cache-set conflicts. */
#define A_ROW (BLOCK_K + 16)

/* What a register tile reads and writes. Rows of `init` may be one row (stride 0): the bias, or zeros. */
typedef struct {
  int64_t depth;
  const float *a;
  int64_t a_row, a_step;
  const float *b;
  int64_t b_step;
  const float *init;
  int64_t init_row;
  float *c;
  int64_t c_row;
  /* Columns of the last vector; all of it unless the tile is narrow. */
  int64_t last;
} Tile;

INLINE void compute_tile(const int rows, const int vectors, const int narrow, const int64_t a_row, const int64_t a_step, const Tile *tile) {
  const Head head = head_of(narrow ? tile->last : WIDTH);
  Vec sum[TILE_ROWS][TILE_VECTORS];
  const float *a = tile->a, *b = tile->b;
#define IS_HEAD(j) (narrow && (j) == vectors - 1)
#define LOAD(p, j) (IS_HEAD(j) ? load_head((p) + (j) * WIDTH, head) : load((p) + (j) * WIDTH))
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = LOAD(tile->init + i * tile->init_row, j);
  for (int64_t p = 0; p < tile->depth; p++) {
    Vec row[TILE_VECTORS];
    UNROLL for (int j = 0; j < vectors; j++) row[j] = LOAD(b, j);
    UNROLL for (int i = 0; i < rows; i++) {
      const Vec factor = splat(a[i * a_row]);
      UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
      FINISH_FIRST;
    }
    a += a_step;
    b += tile->b_step;
  }
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int j = 0; j < vectors; j++) {
      if (IS_HEAD(j)) store_head(tile->c + i * tile->c_row + j * WIDTH, sum[i][j], head);
      else store(tile->c + i * tile->c_row + j * WIDTH, sum[i][j]);
    }
#undef LOAD
#undef IS_HEAD
}

typedef void (*TileFunction)(const Tile *tile);

/* Row counts a tile comes in: what is left over below TILE_ROWS is cut into these. */
static const int TILE_HEIGHTS[] = {TILE_ROWS, 4, 2, 1};
#define HEIGHTS 4

/* By height, vectors and whether the last vector is narrow. */
typedef const TileFunction TileTable[HEIGHTS][TILE_VECTORS][2];

#define DEFINE_TILE(layout, rows, vectors, narrow, a_row, a_step) \
  static __attribute__((noinline)) void tile_##layout##_##rows##_##vectors##_##narrow(const Tile *tile) { \
    compute_tile(rows, vectors, narrow, a_row, a_step, tile); \
  }
#define DEFINE_HEIGHT(layout, rows, a_row, a_step) \
  DEFINE_TILE(layout, rows, 1, 0, a_row, a_step) DEFINE_TILE(layout, rows, 1, 1, a_row, a_step) \
  DEFINE_TILE(layout, rows, 2, 0, a_row, a_step) DEFINE_TILE(layout, rows, 2, 1, a_row, a_step)
#define TILES_OF_HEIGHT(layout, rows) \
  {{tile_##layout##_##rows##_1_0, tile_##layout##_##rows##_1_1}, {tile_##layout##_##rows##_2_0, tile_##layout##_##rows##_2_1}}
#define DEFINE_TILES_OF(layout, full, a_row, a_step) \
  DEFINE_HEIGHT(layout, full, a_row, a_step) \
  DEFINE_HEIGHT(layout, 4, a_row, a_step) \
  DEFINE_HEIGHT(layout, 2, a_row, a_step) \
  DEFINE_HEIGHT(layout, 1, a_row, a_step) \
  static TileTable layout##_tiles = {TILES_OF_HEIGHT(layout, full), TILES_OF_HEIGHT(layout, 4), TILES_OF_HEIGHT(layout, 2), \
                                     TILES_OF_HEIGHT(layout, 1)};
#define DEFINE_TILES(layout, full, a_row, a_step) DEFINE_TILES_OF(layout, full, a_row, a_step)

/* Packed rows of A, packed columns of A (gemm-pack.h), and A where it lies. */
DEFINE_TILES(by_rows, TILE_ROWS, A_ROW, 1)
DEFINE_TILES(by_columns, TILE_ROWS, 1, TILE_ROWS)
DEFINE_TILES(in_place, TILE_ROWS, tile->a_row, tile->a_step)

#endif
