/*
 * Packing for the matrix product: blocks of A and panels of B are copied to where a tile reads them in order, without conflicts in the
 * cache. A block keeps the order its source is contiguous in, so packing copies and never transposes A:
 *   by rows     element (i, p) at i * A_ROW + p
 *   by columns  element (i, p) at p * TILE_ROWS + i within a panel of TILE_ROWS rows, panels BLOCK_K * TILE_ROWS apart
 */
#ifndef ALMA_GEMM_PACK_H
#define ALMA_GEMM_PACK_H

#include "gemm-tile.h"

/* Element (i, j) lies at data[i * row + j * column]. */
typedef struct {
  const float *data;
  int64_t row, column;
} Matrix;

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

#endif
