/*
 * A decoded program: the commands of one training, evaluation or prediction step over one arena.
 * Word stream and meaning: src/engine/backends/README.md.
 */
#ifndef ALMA_PROGRAM_H
#define ALMA_PROGRAM_H

#include "kernel.h"

typedef struct Program Program;

/* What one call of `run` asks for. Counts are in elements. */
typedef struct {
  unsigned char *arena;
  const Feed *feeds;
  int64_t feed_count;
  const int32_t *order;
  int64_t from, to, batch_size, first_step;
  uint32_t seed[2];
  /* Learning rate of each step, or NULL for a program without updates. */
  const double *rates;
  int32_t *control;
} RunRequest;

typedef struct {
  int64_t steps;
  /* Command that found a NaN or an infinity, or -1. */
  int64_t non_finite;
  /* NULL, or why the run ended early. */
  const char *error;
} RunResult;

typedef struct {
  const double *words;
  size_t length;
  size_t arena_bytes;
  /* That work on one step, at least 1. */
  int threads;
  const Variant *variant;
} ProgramRequest;

/* Decodes and checks the words. Returns NULL and sets `error` when they are malformed. */
Program *decode_program(const ProgramRequest *request, const char **error);
void free_program(Program *program);
size_t program_arena_bytes(const Program *program);
RunResult run_program(Program *program, const RunRequest *request);

#endif
