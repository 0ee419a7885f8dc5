/*
 * Batch normalisation over columns, x (m, c). Formulas and order of arguments: src/engine/ops/normalization-kernels.ts.
 *
 * Columns are summed in double over pieces of the rows, row by row, and the pieces are added in order; pieces are tasks. Mean and
 * variance take one pass: the sums are of the distances to the first row, which is never further from the mean than the rows spread, so
 * that nothing cancels (Chan, Golub and LeVeque, "Algorithms for computing the sample variance", 1983, shifted data). With a mask (m) the
 * first row is the first that counts, and rows whose mask is 0 are passed over.
 */
#include "../pool.h"
#include "cell-activations.h"
#include "vector.h"

/* Rows of a piece at least, and pieces at most. */
#define PIECE_ROWS_MIN 256
#define PIECES_MAX 32
/* Columns summed at once: what belongs to one stays in registers. */
#define SUMMED_COLUMNS 16
/* Columns whose sums in all pieces fit the scratch of the calling thread. */
#define SLAB 1024

_Static_assert(2 * PIECES_MAX * SLAB * sizeof(double) <= SCRATCH_BYTES, "the sums of all pieces fit the scratch");

/* Half a vector of floats, and the same in double. */
#define HALF (WIDTH / 2)
typedef float HalfVec __attribute__((vector_size(4 * HALF)));
typedef float UnalignedHalf __attribute__((vector_size(4 * HALF), aligned(4), may_alias));
typedef double Doubles __attribute__((vector_size(8 * HALF)));

INLINE Doubles doubles_at(const float *p) { return __builtin_convertvector((HalfVec) * (const UnalignedHalf *)p, Doubles); }
INLINE HalfVec half_at(const float *p) { return (HalfVec) * (const UnalignedHalf *)p; }

typedef struct {
  int64_t m, c, rows;
  const float *x, *dy, *mask;
  /* Distances are taken to these, one per column: the first row, or the mean. */
  const float *centre;
  /* First column of the slab and how many it has. */
  int64_t from, columns;
  /* Two sums per piece and column: (pieces, 2, columns). */
  double *sums;
} ColumnSums;

INLINE int is_left_out(const float *mask, int64_t i) { return mask != NULL && mask[i] == 0; }

/* Rows that count. */
static int64_t counted_rows(const float *mask, int64_t m) {
  if (mask == NULL) return m;
  int64_t counted = 0;
  for (int64_t i = 0; i < m; i++) counted += !is_left_out(mask, i);
  return counted;
}

INLINE int64_t piece_rows(int64_t m) {
  const int64_t rows = (m + PIECES_MAX - 1) / PIECES_MAX;
  return rows < PIECE_ROWS_MIN ? PIECE_ROWS_MIN : rows;
}

/*
 * Two sums of SUMMED_COLUMNS columns from `at` over some rows: of the distances to the centre and their squares, or of the gradients and
 * their products with the distances. `mask` is NULL where all rows count.
 */
INLINE void sum_block(const int is_gradient, const float *mask, const ColumnSums *of, int64_t begin, int64_t end, int64_t at, double *sums) {
  Doubles first[SUMMED_COLUMNS / HALF], second[SUMMED_COLUMNS / HALF];
  UNROLL for (int v = 0; v < SUMMED_COLUMNS / HALF; v++) first[v] = second[v] = (Doubles){0};
  const float *centre = of->centre + at;
  for (int64_t i = begin; i < end; i++) {
    if (is_left_out(mask, i)) continue;
    UNROLL for (int v = 0; v < SUMMED_COLUMNS / HALF; v++) {
      const int64_t place = i * of->c + at + v * HALF;
      if (is_gradient) {
        const Doubles gradient = doubles_at(of->dy + place);
        const HalfVec distance = half_at(of->x + place) - half_at(centre + v * HALF);
        first[v] += gradient;
        second[v] += gradient * __builtin_convertvector(distance, Doubles);
      } else {
        const Doubles distance = doubles_at(of->x + place) - doubles_at(centre + v * HALF);
        first[v] += distance;
        second[v] += distance * distance;
      }
    }
  }
  memcpy(sums, first, sizeof first);
  memcpy(sums + of->columns, second, sizeof second);
}

/* The same for one column. */
INLINE void sum_column(const int is_gradient, const float *mask, const ColumnSums *of, int64_t begin, int64_t end, int64_t at, double *sums) {
  double first = 0, second = 0;
  for (int64_t i = begin; i < end; i++) {
    if (is_left_out(mask, i)) continue;
    const int64_t place = i * of->c + at;
    const double gradient = is_gradient ? (double)of->dy[place] : 0;
    const double distance = is_gradient ? (double)(of->x[place] - of->centre[at]) : (double)of->x[place] - (double)of->centre[at];
    first += is_gradient ? gradient : distance;
    second += (is_gradient ? gradient : distance) * distance;
  }
  sums[0] = first;
  sums[of->columns] = second;
}

INLINE void sum_piece(const int is_gradient, const float *mask, const ColumnSums *of, int64_t piece) {
  const int64_t begin = piece * of->rows, end = begin + of->rows < of->m ? begin + of->rows : of->m;
  double *sums = of->sums + 2 * piece * of->columns;
  int64_t j = 0;
  for (; j + SUMMED_COLUMNS <= of->columns; j += SUMMED_COLUMNS) sum_block(is_gradient, mask, of, begin, end, of->from + j, sums + j);
  for (; j < of->columns; j++) sum_column(is_gradient, mask, of, begin, end, of->from + j, sums + j);
}

static void sum_distances(void *context, int64_t piece, float *scratch) {
  (void)scratch;
  sum_piece(0, NULL, context, piece);
}

static void sum_counted_distances(void *context, int64_t piece, float *scratch) {
  (void)scratch;
  sum_piece(0, ((const ColumnSums *)context)->mask, context, piece);
}

static void sum_gradients(void *context, int64_t piece, float *scratch) {
  (void)scratch;
  sum_piece(1, NULL, context, piece);
}

/* Both sums of the columns of a slab, left in the first piece. */
static void sum_slab(ColumnSums *of, Task task, Step *step) {
  const int64_t pieces = (of->m + of->rows - 1) / of->rows;
  if (pieces == 0) memset(of->sums, 0, 2 * (size_t)of->columns * sizeof(double));
  run_tasks(step, task, of, pieces);
  for (int64_t piece = 1; piece < pieces; piece++)
    for (int64_t j = 0; j < 2 * of->columns; j++) of->sums[j] += of->sums[2 * piece * of->columns + j];
}

#define FOR_SLABS(slab, c) for (slab.from = 0; slab.columns = (c)-slab.from < SLAB ? (c)-slab.from : SLAB, slab.from < (c); slab.from += SLAB)

static void batch_statistics(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)scalars;
  const int64_t m = dims[0], c = dims[1];
  const float *x = buffers[0], *mask = buffers[1];
  float *mean = buffers[2], *variance = buffers[3];
  const int64_t counted = counted_rows(mask, m);
  if (counted == 0) {
    memset(mean, 0, (size_t)c * sizeof(float));
    memset(variance, 0, (size_t)c * sizeof(float));
    return;
  }
  int64_t first = 0;
  while (is_left_out(mask, first)) first++;
  ColumnSums sums = {.m = m, .c = c, .rows = piece_rows(m), .x = x, .mask = mask, .centre = x + first * c, .sums = (double *)step->scratch};
  FOR_SLABS(sums, c) {
    sum_slab(&sums, mask == NULL ? sum_distances : sum_counted_distances, step);
    for (int64_t j = 0; j < sums.columns; j++) {
      const double distance = sums.sums[j] / (double)counted, square = sums.sums[sums.columns + j] / (double)counted - distance * distance;
      mean[sums.from + j] = (float)((double)sums.centre[sums.from + j] + distance);
      variance[sums.from + j] = square > 0 ? (float)square : square != square ? (float)square : 0;
    }
  }
}

static void normalize_grad_affine(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  const int64_t m = dims[0], c = dims[1];
  const float *variance = buffers[3];
  float *dgamma = buffers[4], *dbeta = buffers[5];
  ColumnSums sums = {.m = m, .c = c, .rows = piece_rows(m), .x = buffers[0], .dy = buffers[1], .centre = buffers[2],
                     .sums = (double *)step->scratch};
  FOR_SLABS(sums, c) {
    sum_slab(&sums, sum_gradients, step);
    for (int64_t j = 0; j < sums.columns; j++) {
      const float inverse = (splat(1.0f) / square_root(splat(variance[sums.from + j] + (float)scalars[0])))[0];
      dgamma[sums.from + j] = (float)(sums.sums[sums.columns + j] * (double)inverse);
      dbeta[sums.from + j] = (float)sums.sums[j];
    }
  }
}

/* y = shift + scale (x - mean), or dx = scale (dy - shift - (x - mean) slope): rows are tasks in pieces, columns in blocks. */
typedef struct {
  int64_t m, c, rows;
  /* Rows in the mean. */
  int64_t counted;
  const float *x, *dy, *mean, *variance, *gamma, *beta, *dgamma, *dbeta, *mask;
  float epsilon;
  float *out;
  /* Of y, by its code in cell-activations.h: 0 is none. */
  int activation;
} Normalization;

/* Columns whose factors are worked out together. */
#define COLUMNS 64
/* Rows of such a block that the first-level cache still holds when their activation is computed. */
#define ACTIVATED_ROWS 64

/* COLUMNS is a multiple of every WIDTH: vectors of a block meet its end only where the matrix ends. */
#define FOR_COLUMN_BLOCKS(from, columns, c) \
  for (int64_t from = 0, columns = (c) < COLUMNS ? (c) : COLUMNS; from < (c); \
       from += COLUMNS, columns = (c)-from < COLUMNS ? (c)-from : COLUMNS)

/* 1 / sqrt(variance + epsilon) of a block of columns, times gamma if there is one. */
INLINE void column_factors(const float *variance, const float *gamma, float epsilon, int64_t columns, float *factors) {
  FOR_VECTORS(at, count, columns) {
    const Vec scale = gamma == NULL ? splat(1.0f) : load_at(gamma + at, count);
    store(factors + at, scale / square_root(load_at(variance + at, count) + splat(epsilon)));
  }
}

INLINE const float *columns_from(const float *row, int64_t from) { return row == NULL ? NULL : row + from; }

INLINE int64_t piece_end(const Normalization *of, int64_t piece) {
  const int64_t end = (piece + 1) * of->rows;
  return end < of->m ? end : of->m;
}

static void for_pieces(Task task, Normalization of, Step *step) {
  of.rows = piece_rows(of.m);
  run_tasks(step, task, &of, (of.m + of.rows - 1) / of.rows);
}

static void normalize_piece(void *context, int64_t piece, float *scratch) {
  (void)scratch;
  const Normalization *of = context;
  const int64_t c = of->c;
  FOR_COLUMN_BLOCKS(from, columns, c) {
    const float *mean = of->mean + from;
    float factors[COLUMNS], shifts[COLUMNS] = {0};
    column_factors(of->variance + from, columns_from(of->gamma, from), of->epsilon, columns, factors);
    if (of->beta != NULL) memcpy(shifts, of->beta + from, (size_t)columns * sizeof(float));
    for (int64_t first = piece * of->rows, end = first; first < piece_end(of, piece); first = end) {
      end = first + ACTIVATED_ROWS < piece_end(of, piece) ? first + ACTIVATED_ROWS : piece_end(of, piece);
      for (int64_t i = first; i < end; i++)
        EACH_VECTOR(at, count, columns, {
          const int64_t place = i * c + from + at;
          store_at(of->out + place, multiply_add(load_at(of->x + place, count) - load_at(mean + at, count), load(factors + at), load(shifts + at)), count);
        });
      activate_rows(of->activation, of->out + first * c + from, end - first, columns, c);
    }
  }
}

static void normalize_columns(void *const *buffers, const int64_t *dims, double epsilon, int activation, Step *step) {
  for_pieces(normalize_piece,
             (Normalization){.m = dims[0], .c = dims[1], .x = buffers[0], .mean = buffers[1], .variance = buffers[2], .gamma = buffers[3],
                             .beta = buffers[4], .epsilon = (float)epsilon, .out = buffers[5], .activation = activation},
             step);
}

static void normalize(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  normalize_columns(buffers, dims, scalars[0], 0, step);
}

/* y = f(normalize). */
static void normalize_activated(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  normalize_columns(buffers, dims, scalars[0], (int)scalars[1], step);
}

/* dx = scale dy over the columns of a block. */
INLINE void scale_row(const float *dy, const float *factors, int64_t columns, float *dx) {
  EACH_VECTOR(at, count, columns, { store_at(dx + at, load_at(dy + at, count) * load(factors + at), count); });
}

static void grad_input_piece(void *context, int64_t piece, float *scratch) {
  (void)scratch;
  const Normalization *of = context;
  const int64_t c = of->c;
  FOR_COLUMN_BLOCKS(from, columns, c) {
    const float *mean = of->mean + from;
    float factors[COLUMNS], slopes[COLUMNS], shifts[COLUMNS];
    column_factors(of->variance + from, NULL, of->epsilon, columns, slopes);
    column_factors(of->variance + from, columns_from(of->gamma, from), of->epsilon, columns, factors);
    /* slope = dgamma / sqrt(variance + epsilon) / counted. */
    FOR_VECTORS(at, count, columns) {
      const Vec rows = splat((float)of->counted);
      store(slopes + at, load(slopes + at) * load_at(of->dgamma + from + at, count) / rows);
      store(shifts + at, load_at(of->dbeta + from + at, count) / rows);
    }
    for (int64_t i = piece * of->rows; i < piece_end(of, piece); i++) {
      /* What is not in the mean passes the gradient on as if the mean were given. */
      if (is_left_out(of->mask, i)) {
        scale_row(of->dy + i * c + from, factors, columns, of->out + i * c + from);
        continue;
      }
      EACH_VECTOR(at, count, columns, {
        const int64_t place = i * c + from + at;
        const Vec distance = load_at(of->x + place, count) - load_at(mean + at, count);
        const Vec centred = load_at(of->dy + place, count) - load(shifts + at);
        store_at(of->out + place, load(factors + at) * multiply_add(-distance, load(slopes + at), centred), count);
      });
    }
  }
}

static void batch_normalization_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  for_pieces(grad_input_piece,
             (Normalization){.m = dims[0], .c = dims[1], .counted = counted_rows(buffers[7], dims[0]), .x = buffers[0], .dy = buffers[1],
                             .mean = buffers[2], .variance = buffers[3], .gamma = buffers[4], .dgamma = buffers[5], .dbeta = buffers[6],
                             .mask = buffers[7], .epsilon = (float)scalars[0], .out = buffers[8]},
             step);
}

static void scale_piece(void *context, int64_t piece, float *scratch) {
  (void)scratch;
  const Normalization *of = context;
  const int64_t c = of->c;
  FOR_COLUMN_BLOCKS(from, columns, c) {
    float factors[COLUMNS];
    column_factors(of->variance + from, columns_from(of->gamma, from), of->epsilon, columns, factors);
    for (int64_t i = piece * of->rows; i < piece_end(of, piece); i++)
      scale_row(of->dy + i * c + from, factors, columns, of->out + i * c + from);
  }
}

static void normalize_grad_input(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  for_pieces(scale_piece,
             (Normalization){.m = dims[0], .c = dims[1], .dy = buffers[0], .variance = buffers[1], .gamma = buffers[2],
                             .epsilon = (float)scalars[0], .out = buffers[3]},
             step);
}

static void moving_average(void *const *buffers, const int64_t *dims, const double *scalars, Step *step) {
  (void)step;
  float *moving = buffers[0];
  const float *x = buffers[1];
  const Vec kept = splat((float)scalars[0]), fresh = splat((float)(1 - scalars[0]));
  FOR_VECTORS(at, count, dims[0])
    store_at(moving + at, multiply_add(kept, load_at(moving + at, count), fresh * load_at(x + at, count)), count);
}
