/*
 * Decodes the command stream once and runs the step loop: batches through the order, the stop flag before each step,
 * the count of updates after it. Nothing is allocated while running.
 */
#include "program.h"
#include "pool.h"
#include <math.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#define ABSENT (-1)

/* A kernel takes no more. */
#define MAX_BUFFERS 64

/* Words of the control block (CONTROL in backend.ts). */
enum { CONTROL_STOP = 0, CONTROL_STEPS = 1 };

typedef struct {
  int64_t size;
  int per_row;
} Dim;

typedef struct {
  const Kernel *kernel;
  /* Starts of this command's lists in the program's flat lists. */
  size_t buffers, dims, scalars;
} Command;

struct Program {
  size_t arena_bytes;
  int threads;
  size_t command_count, buffer_count, dim_count;
  Command *commands;
  int64_t *offsets;
  Dim *dims;
  double *scalars;
  /* Resolved for the arena and the rows of the current step. */
  void **pointers;
  int64_t *sizes;
  /* SCRATCH_BYTES per thread. */
  float *scratch;
};

typedef struct {
  const double *words;
  size_t length, position;
} Reader;

/* An integer in [low, high], or failure. */
static int read_integer(Reader *reader, double low, double high, int64_t *value) {
  if (reader->position >= reader->length) return 0;
  const double word = reader->words[reader->position++];
  if (!(word >= low && word <= high) || word != floor(word)) return 0;
  *value = (int64_t)word;
  return 1;
}

static const char *decode_buffers(Reader *reader, Program *program, const Kernel *kernel) {
  for (int i = 0; i < kernel->buffers; i++) {
    int64_t offset;
    if (!read_integer(reader, ABSENT, (double)program->arena_bytes, &offset)) return "a buffer lies outside the arena";
    if (offset == ABSENT && !(kernel->optional >> i & 1)) return "a buffer the kernel needs is absent";
    if (offset != ABSENT && offset % 4 != 0) return "a buffer is not aligned";
    program->offsets[program->buffer_count++] = offset;
  }
  return NULL;
}

static const char *decode_dims(Reader *reader, Program *program, const Kernel *kernel) {
  for (int i = 0; i < kernel->dims; i++) {
    int64_t size, per_row;
    if (!read_integer(reader, 0, 9007199254740992.0, &size) || !read_integer(reader, 0, 1, &per_row)) return "a size is not a whole number";
    program->dims[program->dim_count++] = (Dim){size, (int)per_row};
  }
  return NULL;
}

static const char *decode_command(Reader *reader, Program *program, const Variant *variant, size_t *scalar_count) {
  int64_t index, buffers, dims, scalars;
  if (!read_integer(reader, 0, variant->count - 1, &index)) return "no kernel has this number";
  const Kernel *kernel = &variant->kernels[index];
  if (!read_integer(reader, 0, MAX_BUFFERS, &buffers) || !read_integer(reader, 0, 64, &dims) || !read_integer(reader, 0, 64, &scalars))
    return "the command stream ends within a command";
  if (buffers != kernel->buffers || dims != kernel->dims || scalars != kernel->scalars) return "a command brings other counts than its kernel takes";
  program->commands[program->command_count++] = (Command){kernel, program->buffer_count, program->dim_count, *scalar_count};
  const char *fault = decode_buffers(reader, program, kernel);
  if (fault == NULL) fault = decode_dims(reader, program, kernel);
  if (fault != NULL) return fault;
  if (reader->length - reader->position < (size_t)scalars) return "the command stream ends within a command";
  memcpy(program->scalars + *scalar_count, reader->words + reader->position, (size_t)scalars * sizeof(double));
  reader->position += (size_t)scalars;
  *scalar_count += (size_t)scalars;
  return NULL;
}

/* Every list is at most as long as the word stream, so one size fits all. */
static int allocate_lists(Program *program, size_t length) {
  const size_t room = length + 1;
  program->commands = malloc(room * sizeof(Command));
  program->offsets = malloc(room * sizeof(int64_t));
  program->dims = malloc(room * sizeof(Dim));
  program->scalars = malloc(room * sizeof(double));
  program->pointers = malloc(room * sizeof(void *));
  program->sizes = malloc(room * sizeof(int64_t));
  /* Pages of the scratch cost nothing until a kernel packs into them. */
  void *scratch;
  program->scratch = posix_memalign(&scratch, 64, SCRATCH_BYTES * (size_t)program->threads) == 0 ? scratch : NULL;
  return program->commands && program->offsets && program->dims && program->scalars && program->pointers && program->sizes &&
         program->scratch;
}

Program *decode_program(const ProgramRequest *request, const char **error) {
  const size_t length = request->length;
  Reader reader = {request->words, length, 0};
  Program *program = calloc(1, sizeof(Program));
  if (program != NULL) {
    program->arena_bytes = request->arena_bytes;
    program->threads = request->threads;
  }
  int64_t count;
  size_t scalar_count = 0;
  *error = NULL;
  if (program == NULL || !allocate_lists(program, length)) {
    *error = "out of memory";
  } else if (!read_integer(&reader, 0, (double)length, &count)) {
    *error = "the command stream does not begin with its count";
  } else {
    for (int64_t i = 0; i < count && *error == NULL; i++) *error = decode_command(&reader, program, request->variant, &scalar_count);
    if (*error == NULL && reader.position != length) *error = "the command stream goes on after its last command";
  }
  if (*error == NULL) return program;
  free_program(program);
  return NULL;
}

void free_program(Program *program) {
  if (program == NULL) return;
  free(program->commands);
  free(program->offsets);
  free(program->dims);
  free(program->scalars);
  free(program->pointers);
  free(program->sizes);
  free(program->scratch);
  free(program);
}

size_t program_arena_bytes(const Program *program) { return program->arena_bytes; }

static void resolve_pointers(Program *program, unsigned char *arena) {
  for (size_t i = 0; i < program->buffer_count; i++)
    program->pointers[i] = program->offsets[i] == ABSENT ? NULL : arena + program->offsets[i];
}

static void resolve_sizes(Program *program, int64_t rows) {
  for (size_t i = 0; i < program->dim_count; i++) program->sizes[i] = program->dims[i].size * (program->dims[i].per_row ? rows : 1);
}

/* Elements of a task: some tens of microseconds, and a multiple of every vector. Half as much again is not worth a second thread. */
#define TASK_ELEMENTS 32768

typedef struct {
  const Command *command;
  void *const *buffers;
  const double *scalars;
  int64_t n;
  Step *step;
} Elements;

static void run_elements(void *context, int64_t index, float *scratch) {
  (void)scratch;
  const Elements *all = context;
  const Kernel *kernel = all->command->kernel;
  const int64_t from = index * TASK_ELEMENTS, left = all->n - from;
  const int64_t size = left < TASK_ELEMENTS ? left : TASK_ELEMENTS;
  void *buffers[MAX_BUFFERS];
  for (int i = 0; i < kernel->buffers; i++) buffers[i] = all->buffers[i] == NULL ? NULL : (float *)all->buffers[i] + from;
  kernel->run(buffers, &size, all->scalars, all->step);
}

static void run_command(const Program *program, const Command *command, Step *step) {
  const Kernel *kernel = command->kernel;
  void *const *buffers = program->pointers + command->buffers;
  const int64_t *sizes = program->sizes + command->dims;
  const double *scalars = program->scalars + command->scalars;
  if (!kernel->elementwise || step->pool == NULL || sizes[0] < TASK_ELEMENTS * 3 / 2) {
    kernel->run(buffers, sizes, scalars, step);
    return;
  }
  Elements all = {command, buffers, scalars, sizes[0], step};
  run_tasks(step, run_elements, &all, (sizes[0] + TASK_ELEMENTS - 1) / TASK_ELEMENTS);
}

/* Runs the commands of one step; returns the index of the command that ended it early, or command_count. */
static size_t run_step(const Program *program, Step *step) {
  for (size_t i = 0; i < program->command_count; i++) {
    run_command(program, &program->commands[i], step);
    if (step->status != STEP_OK) return i;
  }
  return program->command_count;
}

RunResult run_program(Program *program, const RunRequest *request) {
  RunResult result = {0, -1, NULL};
  Step step = {.seed = {request->seed[0], request->seed[1]},
               .feeds = request->feeds,
               .feed_count = request->feed_count,
               .scratch = program->scratch,
               .pool = start_pool(program->threads, program->scratch),
               .status = STEP_OK};
  _Atomic int32_t *control = (_Atomic int32_t *)request->control;
  resolve_pointers(program, request->arena);
  for (int64_t position = request->from; position < request->to; position += step.rows) {
    if (atomic_load(&control[CONTROL_STOP]) != 0) break;
    const int64_t left = request->to - position;
    const int64_t rows = left < request->batch_size ? left : request->batch_size;
    if (rows != step.rows) resolve_sizes(program, rows);
    step.rows = rows;
    step.number = request->first_step + result.steps;
    step.rate = request->rates == NULL ? 0 : request->rates[result.steps];
    step.rows_of_batch = request->order + position;
    const size_t ended = run_step(program, &step);
    if (step.status == STEP_NON_FINITE) result.non_finite = (int64_t)ended;
    if (step.status == STEP_ROW_OUT_OF_RANGE) result.error = "a row number of the order lies outside its feed";
    if (step.status == STEP_NO_SUCH_FEED) result.error = "a command reads a feed that was not given";
    if (step.status != STEP_OK) break;
    result.steps++;
    if (request->rates != NULL) atomic_fetch_add(&control[CONTROL_STEPS], 1);
  }
  stop_pool(step.pool);
  return result;
}
