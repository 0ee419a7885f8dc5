/*
 * The contract between the command interpreter (program.c) and the kernels in kernels/.
 * A kernel gets checked pointers and sizes and computes; it never allocates, checks shapes or knows a layer.
 */
#ifndef ALMA_KERNEL_H
#define ALMA_KERNEL_H

#include <stddef.h>
#include <stdint.h>

/* Row source of `gather`: row-major, 4-byte elements. */
typedef struct {
  const void *data;
  int64_t length;
} Feed;

/* Threads that share the work of a kernel: pool.h. */
typedef struct Pool Pool;

enum { STEP_OK = 0, STEP_NON_FINITE = 1, STEP_ROW_OUT_OF_RANGE = 2, STEP_NO_SUCH_FEED = 3 };

typedef struct {
  /* Rows of this batch. */
  int64_t rows;
  /* Update number from 0 over the whole job. */
  int64_t number;
  uint32_t seed[2];
  /* Learning rate of this step. */
  double rate;
  /* Row numbers of this batch, `rows` of them. */
  const int32_t *rows_of_batch;
  const Feed *feeds;
  int64_t feed_count;
  /* Room of the calling thread, SCRATCH_BYTES, 64-byte aligned, such as for packing in the matrix product. */
  float *scratch;
  /* NULL: the calling thread is alone. */
  Pool *pool;
  /* Anything but STEP_OK ends the step before the next command. */
  int status;
} Step;

/* Room for one packed block of A and one of B (kernels/gemm.h) with every variant's block sizes. */
#define SCRATCH_BYTES (1024 * 1024)

typedef void (*KernelFunction)(void *const *buffers, const int64_t *dims, const double *scalars, Step *step);

typedef struct {
  const char *name;
  KernelFunction run;
  /* How many of each a command must bring. */
  int buffers, dims, scalars;
  /* Bit i: buffer i may be absent. */
  uint32_t optional;
  /* One size n, buffers of n floats, and element i of what is written depends on elements i alone: the work may be cut anywhere. */
  int elementwise;
} Kernel;

/* The kernels compiled for one instruction set. Every variant lists the same kernels in the same order. */
typedef struct {
  const char *name;
  const Kernel *kernels;
  int count;
} Variant;

/* Fastest variant this machine runs; ALMA_ISA in the environment may name a lower one. See variants.c. */
const Variant *choose_variant(void);

#endif
