/*
 * C = A B + init, single precision: C (m, n) row-major, A (m, k) and B (k, n) with any of their two strides 1.
 *
 * Method: Goto and van de Geijn, "Anatomy of high-performance matrix multiplication", ACM TOMS 34(3), 2008. Blocks of
 * A (BLOCK_M, BLOCK_K) stay in L2 and panels of B (BLOCK_K, TILE_COLUMNS) in L1 while a register tile (gemm-tile.h) sums over k.
 * Few columns: A is read where it lies, packing would cost more than it saves. Few rows or a small B: so is B.
 *
 * Every element of C is one chain of fused multiply-adds over k in order, whatever block, tile, task or vector width it falls
 * in: the result does not depend on the instruction set (with fma) or on how the work is cut.
 */
#ifndef ALMA_GEMM_H
#define ALMA_GEMM_H

#include "../pool.h"
#include "cell-activations.h"
#include "gemm-pack.h"

#define BLOCK_M 168 /* a multiple of every TILE_ROWS */
#define BLOCK_N 512
#define PACKED_A_FLOATS (BLOCK_M * A_ROW)
/* A B of at most so many elements lies in L1 as it is. */
#define SMALL_B 4096

_Static_assert((PACKED_A_FLOATS + BLOCK_K * BLOCK_N) * sizeof(float) <= SCRATCH_BYTES, "packed blocks fit the scratch");

INLINE int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

/* A block of A as the tiles read it: panels of TILE_ROWS rows are `panel` apart. */
typedef struct {
  const TileFunction (*tiles)[TILE_VECTORS][2];
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

/* All rows of a block of A times one panel of B. `tile` holds what is the same for all rows. */
static void multiply_panel(const BlockA *a, int64_t rows, int64_t columns, Tile tile) {
  const int vectors = columns > WIDTH ? 2 : 1;
  tile.last = columns - (vectors - 1) * WIDTH;
  tile.a_row = a->row;
  tile.a_step = a->step;
  for (int64_t i = 0; i < rows;) {
    int height = 0;
    while (TILE_HEIGHTS[height] > rows - i) height++;
    const int count = TILE_HEIGHTS[height];
    tile.a = a->data + i / TILE_ROWS * a->panel + i % TILE_ROWS * a->row;
    a->tiles[height][vectors - 1][tile.last != WIDTH](&tile);
    tile.init += count * tile.init_row;
    tile.c += count * tile.c_row;
    i += count;
  }
}

/* c (m, n) = a (m, k) b (k, n) + init. */
typedef struct {
  int64_t m, n, k;
  Matrix a, b;
  /* One row of n, NULL for zeros; not used when `accumulate`. */
  const float *init;
  float *c;
  /* Rows of c are this far apart: c may be some columns of a wider matrix. */
  int64_t c_row;
  /* Of what c becomes at last, by its code in cell-activations.h: 0 is none. */
  int activation;
  /* Start from what c holds: an earlier product's chains over k go on. */
  int accumulate;
  /* All of B as pack_whole left it, or NULL. */
  const float *packed_b;
} Product;

/* Columns `column` ... and terms p ... of a product: a panel of B after the other, packed or where they lie. */
typedef struct {
  int64_t column, columns, p, depth;
  int a_in_place, b_in_place;
} Slab;

/* Columns with those that fill up the last panel. */
INLINE int64_t padded_columns(int64_t columns) { return (columns + TILE_COLUMNS - 1) / TILE_COLUMNS * TILE_COLUMNS; }

static void pack_panels(Matrix b, int64_t depth, int64_t columns, float *to) {
  for (int64_t j = 0; j < columns; j += TILE_COLUMNS)
    pack_panel((Matrix){b.data + j * b.column, b.row, b.column}, depth, smaller(TILE_COLUMNS, columns - j), to + j * depth);
}

/*
 * All of B (k, n) for many products with it: for each block of k its panels, the last filled up to TILE_COLUMNS. `to` holds
 * k * padded_columns(n) numbers. Such a product is not cut into pieces of columns.
 */
static void pack_whole(Matrix b, int64_t k, int64_t n, float *to) {
  for (int64_t p = 0; p < k; p += BLOCK_K, to += BLOCK_K * padded_columns(n))
    pack_panels((Matrix){b.data + p * b.row, b.row, b.column}, smaller(BLOCK_K, k - p), n, to);
}

static void multiply_slab(const Product *product, const Slab *slab, float *scratch) {
  static const float zeros[BLOCK_N];
  const Matrix a = product->a, b = product->b;
  const int64_t depth = slab->depth, c_row = product->c_row;
  const int goes_on = slab->p > 0 || product->accumulate;
  const float *b_data = b.data + slab->p * b.row + slab->column * b.column;
  float *packed_a = scratch, *room = scratch + PACKED_A_FLOATS;
  const float *packed_b = room;
  if (product->packed_b != NULL) packed_b = product->packed_b + slab->p * padded_columns(product->n) + slab->column * depth;
  else if (!slab->b_in_place) pack_panels((Matrix){b_data, b.row, b.column}, depth, slab->columns, room);
  for (int64_t row = 0; row < product->m; row += BLOCK_M) {
    const int64_t rows = smaller(BLOCK_M, product->m - row);
    const Matrix a_block = {a.data + row * a.row + slab->p * a.column, a.row, a.column};
    const BlockA block = block_of_a(a_block, rows, depth, slab->a_in_place, packed_a);
    for (int64_t j = 0; j < slab->columns; j += TILE_COLUMNS) {
      float *to = product->c + row * c_row + slab->column + j;
      const float *first = product->init == NULL ? zeros : product->init + slab->column + j;
      multiply_panel(&block, rows, smaller(TILE_COLUMNS, slab->columns - j),
                     (Tile){.depth = depth,
                            .b = slab->b_in_place ? b_data + j : packed_b + j * depth,
                            .b_step = slab->b_in_place ? b.row : TILE_COLUMNS,
                            .init = goes_on ? to : first,
                            .init_row = goes_on ? c_row : 0,
                            .c = to,
                            .c_row = c_row});
    }
    if (slab->p + depth >= product->k)
      activate_rows(product->activation, product->c + row * c_row + slab->column, rows, slab->columns, c_row);
  }
}

/* On the calling thread. `scratch` is that thread's. */
static void multiply_into(const Product *product, float *scratch) {
  const int64_t n = product->n, k = product->k;
  Slab slab = {.a_in_place = n <= 2 * TILE_COLUMNS,
               .b_in_place = product->packed_b == NULL && product->b.column == 1 && (product->m <= 2 * TILE_ROWS || n * k <= SMALL_B)};
  for (slab.column = 0; slab.column < n; slab.column += BLOCK_N) {
    slab.columns = smaller(BLOCK_N, n - slab.column);
    /* At least once, also for k = 0: the result is then `init`. */
    for (slab.p = 0; slab.p == 0 || slab.p < k; slab.p += BLOCK_K) {
      slab.depth = smaller(BLOCK_K, k - slab.p);
      multiply_slab(product, &slab, scratch);
    }
  }
}

/* Below so many multiply-adds waking another thread costs more than it saves. */
#define SHARED_WORK 500000
/* Rows and columns of a task at most; both so many that packing them is little beside multiplying them. */
#define TASK_ROWS 140
#define TASK_COLUMNS 256

/* A product cut into pieces of rows and columns. */
typedef struct {
  const Product *product;
  int64_t rows, columns, across;
} SharedProduct;

static void multiply_piece(void *context, int64_t index, float *scratch) {
  const SharedProduct *shared = context;
  Product piece = *shared->product;
  const int64_t row = index / shared->across * shared->rows, column = index % shared->across * shared->columns;
  piece.m = smaller(shared->rows, piece.m - row);
  piece.n = smaller(shared->columns, piece.n - column);
  piece.a.data += row * piece.a.row;
  piece.b.data += column * piece.b.column;
  piece.c += row * piece.c_row + column;
  if (piece.init != NULL) piece.init += column;
  multiply_into(&piece, scratch);
}

/* The largest part when `size` is cut into the fewest equal parts of at most `most`, in whole multiples of `unit`. */
INLINE int64_t part_of(int64_t size, int64_t most, int64_t unit) {
  const int64_t parts = (size + most - 1) / most;
  return ((size + parts - 1) / parts + unit - 1) / unit * unit;
}

/* With all threads of the step. Not from within a task. */
static void multiply_shared(const Product *product, Step *step) {
  const int64_t m = product->m, n = product->n;
  if (step->pool == NULL || m * n * product->k < SHARED_WORK) {
    multiply_into(product, step->scratch);
    return;
  }
  SharedProduct shared = {product, part_of(m, TASK_ROWS, TILE_ROWS), part_of(n, TASK_COLUMNS, TILE_COLUMNS), 0};
  shared.across = (n + shared.columns - 1) / shared.columns;
  run_tasks(step, multiply_piece, &shared, (m + shared.rows - 1) / shared.rows * shared.across);
}

/* c (m, n) = a (m, k) b (k, n) + init on the calling thread, where init is one row of n or NULL. */
static void multiply(int64_t m, int64_t n, int64_t k, Matrix a, Matrix b, const float *init, float *c, float *scratch) {
  multiply_into(&(Product){.m = m, .n = n, .k = k, .a = a, .b = b, .init = init, .c = c, .c_row = n}, scratch);
}

#endif
