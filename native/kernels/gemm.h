/*
 * C = A B + init, single precision: C (m, n) row-major, A (m, k) and B (k, n) with any of their two strides 1.
 *
 * Method: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008. Blocks of
 * A (MC, KC) stay in L2 and panels of B (KC, NR) in L1 while a register tile of TILE_ROWS x TILE_COLUMNS sums over k.
 * A packed block keeps the order its source is contiguous in, so packing copies and never transposes A:
 *   by rows     element (i, p) at i * A_ROW + p; A_ROW is padded against cache-set conflicts
 *   by columns  element (i, p) at p * TILE_ROWS + i within a panel of TILE_ROWS rows
 * Few columns: A is read where it lies, packing would cost more than it saves. Few rows: so is B.
 *
 * Every element of C is one chain of fused multiply-adds over k in order, whatever block, tile or vector width it falls
 * in: the result does not depend on the instruction set (with fma) or on how the work is cut.
 */
#ifndef ALMA_GEMM_H
#define ALMA_GEMM_H

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
#define BLOCK_M 168 /* a multiple of every TILE_ROWS */
#define BLOCK_N 512
#define A_ROW (BLOCK_K + 16)
#define PACKED_A_FLOATS (BLOCK_M * A_ROW)

_Static_assert((PACKED_A_FLOATS + BLOCK_K * BLOCK_N) * sizeof(float) <= SCRATCH_BYTES, "packed blocks fit the scratch");

/* Element (i, j) lies at data[i * row + j * column]. */
typedef struct {
  const float *data;
  int64_t row, column;
} Matrix;

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
} Tile;

INLINE void compute_tile(const int rows, const int vectors, const int64_t a_row, const int64_t a_step, const Tile *tile) {
  Vec sum[TILE_ROWS][TILE_VECTORS];
  const float *a = tile->a, *b = tile->b;
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = load(tile->init + i * tile->init_row + j * WIDTH);
  for (int64_t p = 0; p < tile->depth; p++) {
    Vec row[TILE_VECTORS];
    UNROLL for (int j = 0; j < vectors; j++) row[j] = load(b + j * WIDTH);
    UNROLL for (int i = 0; i < rows; i++) {
      const Vec factor = splat(a[i * a_row]);
      UNROLL for (int j = 0; j < vectors; j++) sum[i][j] = multiply_add(factor, row[j], sum[i][j]);
    }
    a += a_step;
    b += tile->b_step;
  }
  UNROLL for (int i = 0; i < rows; i++)
    UNROLL for (int j = 0; j < vectors; j++) store(tile->c + i * tile->c_row + j * WIDTH, sum[i][j]);
}

typedef void (*TileFunction)(const Tile *tile);

/* Row counts a tile comes in: what is left over below TILE_ROWS is cut into these. */
static const int TILE_HEIGHTS[] = {TILE_ROWS, 4, 2, 1};
#define HEIGHTS 4

#define DEFINE_TILE(layout, rows, vectors, a_row, a_step) \
  static __attribute__((noinline)) void tile_##layout##_##rows##_##vectors(const Tile *tile) { \
    compute_tile(rows, vectors, a_row, a_step, tile); \
  }
#define DEFINE_TILES_OF(layout, full, a_row, a_step) \
  DEFINE_TILE(layout, full, 1, a_row, a_step) DEFINE_TILE(layout, full, 2, a_row, a_step) \
  DEFINE_TILE(layout, 4, 1, a_row, a_step) DEFINE_TILE(layout, 4, 2, a_row, a_step) \
  DEFINE_TILE(layout, 2, 1, a_row, a_step) DEFINE_TILE(layout, 2, 2, a_row, a_step) \
  DEFINE_TILE(layout, 1, 1, a_row, a_step) DEFINE_TILE(layout, 1, 2, a_row, a_step) \
  static const TileFunction layout##_tiles[HEIGHTS][TILE_VECTORS] = { \
      {tile_##layout##_##full##_1, tile_##layout##_##full##_2}, {tile_##layout##_4_1, tile_##layout##_4_2}, \
      {tile_##layout##_2_1, tile_##layout##_2_2}, {tile_##layout##_1_1, tile_##layout##_1_2}};
#define DEFINE_TILES(layout, full, a_row, a_step) DEFINE_TILES_OF(layout, full, a_row, a_step)

DEFINE_TILES(by_rows, TILE_ROWS, A_ROW, 1)
DEFINE_TILES(by_columns, TILE_ROWS, 1, TILE_ROWS)
DEFINE_TILES(in_place, TILE_ROWS, tile->a_row, tile->a_step)

/* Four vectors of four floats, transposed. */
typedef float Four __attribute__((vector_size(16)));
typedef float UnalignedFour __attribute__((vector_size(16), aligned(4), may_alias));

#if defined(__clang__) || __GNUC__ >= 12
#define SHUFFLE(a, b, w, x, y, z) __builtin_shufflevector(a, b, w, x, y, z)
#else
typedef int32_t FourBits __attribute__((vector_size(16)));
#define SHUFFLE(a, b, w, x, y, z) __builtin_shuffle(a, b, (FourBits){w, x, y, z})
#endif

INLINE void transpose_four(const float *from, int64_t from_row, float *to, int64_t to_row) {
  const Four r0 = *(const UnalignedFour *)from, r1 = *(const UnalignedFour *)(from + from_row);
  const Four r2 = *(const UnalignedFour *)(from + 2 * from_row), r3 = *(const UnalignedFour *)(from + 3 * from_row);
  const Four low01 = SHUFFLE(r0, r1, 0, 4, 1, 5), high01 = SHUFFLE(r0, r1, 2, 6, 3, 7);
  const Four low23 = SHUFFLE(r2, r3, 0, 4, 1, 5), high23 = SHUFFLE(r2, r3, 2, 6, 3, 7);
  *(UnalignedFour *)to = SHUFFLE(low01, low23, 0, 1, 4, 5);
  *(UnalignedFour *)(to + to_row) = SHUFFLE(low01, low23, 2, 3, 6, 7);
  *(UnalignedFour *)(to + 2 * to_row) = SHUFFLE(high01, high23, 0, 1, 4, 5);
  *(UnalignedFour *)(to + 3 * to_row) = SHUFFLE(high01, high23, 2, 3, 6, 7);
}

/* One panel of B: (depth, TILE_COLUMNS), zeros beyond `columns`. */
static void pack_panel(Matrix b, int64_t depth, int64_t columns, float *to) {
  if (columns < TILE_COLUMNS) memset(to, 0, (size_t)(depth * TILE_COLUMNS) * sizeof(float));
  if (b.column == 1) {
    for (int64_t p = 0; p < depth; p++) {
      if (columns == TILE_COLUMNS) memcpy(to + p * TILE_COLUMNS, b.data + p * b.row, TILE_COLUMNS * sizeof(float));
      else memcpy(to + p * TILE_COLUMNS, b.data + p * b.row, (size_t)columns * sizeof(float));
    }
    return;
  }
  const int64_t whole = b.row == 1 ? depth & ~3 : 0;
  for (int64_t j = 0; j < columns;) {
    const float *from = b.data + j * b.column;
    const int quad = columns - j >= 4 && whole > 0;
    if (quad)
      for (int64_t p = 0; p < whole; p += 4) transpose_four(from + p, b.column, to + p * TILE_COLUMNS + j, TILE_COLUMNS);
    for (int64_t q = 0; q < (quad ? 4 : 1); q++)
      for (int64_t p = quad ? whole : 0; p < depth; p++) to[p * TILE_COLUMNS + j + q] = from[q * b.column + p * b.row];
    j += quad ? 4 : 1;
  }
}

static void pack_a_by_rows(Matrix a, int64_t rows, int64_t depth, float *to) {
  for (int64_t i = 0; i < rows; i++) memcpy(to + i * A_ROW, a.data + i * a.row, (size_t)depth * sizeof(float));
}

static void pack_a_by_columns(Matrix a, int64_t rows, int64_t depth, float *to) {
  for (int64_t i = 0; i < rows; i += TILE_ROWS, to += TILE_ROWS * BLOCK_K) {
    const int64_t height = rows - i < TILE_ROWS ? rows - i : TILE_ROWS;
    for (int64_t p = 0; p < depth; p++) {
      const float *from = a.data + i * a.row + p * a.column;
      if (height == TILE_ROWS && a.row == 1) memcpy(to + p * TILE_ROWS, from, TILE_ROWS * sizeof(float));
      else
        for (int64_t r = 0; r < height; r++) to[p * TILE_ROWS + r] = from[r * a.row];
    }
  }
}

/* A block of A as the tiles read it: panels of TILE_ROWS rows are `panel` apart. */
typedef struct {
  const TileFunction (*tiles)[TILE_VECTORS];
  const float *data;
  int64_t panel, row, step;
} BlockA;

static BlockA block_of_a(Matrix a, int64_t rows, int64_t depth, int in_place, float *room) {
  if (in_place) return (BlockA){in_place_tiles, a.data, TILE_ROWS * a.row, a.row, a.column};
  if (a.column == 1) {
    pack_a_by_rows(a, rows, depth, room);
    return (BlockA){by_rows_tiles, room, TILE_ROWS * A_ROW, A_ROW, 1};
  }
  pack_a_by_columns(a, rows, depth, room);
  return (BlockA){by_columns_tiles, room, TILE_ROWS * BLOCK_K, 1, TILE_ROWS};
}

/* A tile whose columns end within a vector goes through a copy. */
static void run_narrow_tile(TileFunction function, const Tile *tile, int height, int64_t columns) {
  float copy[TILE_ROWS * TILE_COLUMNS];
  Tile padded = *tile;
  for (int i = 0; i < height; i++) {
    memset(copy + i * TILE_COLUMNS, 0, sizeof(float) * TILE_COLUMNS);
    memcpy(copy + i * TILE_COLUMNS, tile->init + i * tile->init_row, (size_t)columns * sizeof(float));
  }
  padded.init = padded.c = copy;
  padded.init_row = padded.c_row = TILE_COLUMNS;
  function(&padded);
  for (int i = 0; i < height; i++) memcpy(tile->c + i * tile->c_row, copy + i * TILE_COLUMNS, (size_t)columns * sizeof(float));
}

/* All rows of a block of A times one panel of B. `tile` holds what is the same for all rows. */
static void multiply_panel(const BlockA *a, int64_t rows, int64_t columns, Tile tile) {
  const int vectors = columns > WIDTH ? 2 : 1;
  const int is_narrow = columns != vectors * WIDTH;
  tile.a_row = a->row;
  tile.a_step = a->step;
  for (int64_t i = 0; i < rows;) {
    int height = 0;
    while (TILE_HEIGHTS[height] > rows - i) height++;
    const int count = TILE_HEIGHTS[height];
    tile.a = a->data + i / TILE_ROWS * a->panel + i % TILE_ROWS * a->row;
    if (is_narrow) run_narrow_tile(a->tiles[height][vectors - 1], &tile, count, columns);
    else a->tiles[height][vectors - 1](&tile);
    tile.init += count * tile.init_row;
    tile.c += count * tile.c_row;
    i += count;
  }
}

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* c (m, n) = a (m, k) b (k, n) + init. */
typedef struct {
  int64_t m, n, k;
  Matrix a, b;
  /* One row of n, NULL for zeros; not used when `accumulate`. */
  const float *init;
  float *c;
  /* Rows of c are this far apart: c may be some columns of a wider matrix. */
  int64_t c_row;
  /* Start from what c holds: an earlier product's chains over k go on. */
  int accumulate;
} Product;

/* `scratch` is the step's. */
static void multiply_into(const Product *product, float *scratch) {
  static const float zeros[BLOCK_N];
  const int64_t m = product->m, n = product->n, k = product->k, c_row = product->c_row;
  const Matrix a = product->a, b = product->b;
  float *packed_a = scratch, *packed_b = scratch + PACKED_A_FLOATS;
  const int a_in_place = n <= 2 * TILE_COLUMNS;
  const int b_in_place = b.column == 1 && m <= 2 * TILE_ROWS;
  for (int64_t column = 0; column < n; column += BLOCK_N) {
    const int64_t columns = smaller(BLOCK_N, n - column);
    /* At least once, also for k = 0: the result is then `init`. */
    for (int64_t p = 0; p == 0 || p < k; p += BLOCK_K) {
      const int64_t depth = smaller(BLOCK_K, k - p);
      const int goes_on = p > 0 || product->accumulate;
      const Matrix b_block = {b.data + p * b.row + column * b.column, b.row, b.column};
      for (int64_t j = 0; j < columns; j += TILE_COLUMNS)
        if (!b_in_place || columns - j < TILE_COLUMNS)
          pack_panel((Matrix){b_block.data + j * b.column, b.row, b.column}, depth, smaller(TILE_COLUMNS, columns - j), packed_b + j * depth);
      for (int64_t row = 0; row < m; row += BLOCK_M) {
        const int64_t rows = smaller(BLOCK_M, m - row);
        const Matrix a_block = {a.data + row * a.row + p * a.column, a.row, a.column};
        const BlockA block = block_of_a(a_block, rows, depth, a_in_place, packed_a);
        for (int64_t j = 0; j < columns; j += TILE_COLUMNS) {
          const int is_packed = !b_in_place || columns - j < TILE_COLUMNS;
          float *to = product->c + row * c_row + column + j;
          const float *first = product->init == NULL ? zeros : product->init + column + j;
          multiply_panel(&block, rows, smaller(TILE_COLUMNS, columns - j),
                         (Tile){.depth = depth,
                                .b = is_packed ? packed_b + j * depth : b_block.data + j,
                                .b_step = is_packed ? TILE_COLUMNS : b.row,
                                .init = goes_on ? to : first,
                                .init_row = goes_on ? c_row : 0,
                                .c = to,
                                .c_row = c_row});
        }
      }
    }
  }
}

/* c (m, n) = a (m, k) b (k, n) + init, where init is one row of n or NULL. */
static void multiply(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, const float *init, float *c, float *scratch) {
  multiply_into(&(Product){.m = m, .n = n, .k = k, .a = a, .b = b, .init = init, .c = c, .c_row = n}, scratch);
}

#endif
