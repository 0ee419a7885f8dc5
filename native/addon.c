/*
 * N-API glue and nothing else: arguments are checked here, `program.c` does the work. Loadable from several worker
 * threads at once: no state but the instruction set, which is the same for all (NAPI_MODULE_INIT, context-aware).
 */
#define NAPI_VERSION 9
#include "pool.h"
#include "program.h"
#include <node_api.h>
#include <stdlib.h>

#define MAX_FEEDS 16
#define NUMBERS 7
#define CONTROL_WORDS 2

static const napi_type_tag PROGRAM_TAG = {0x616c6d6170726f67, 0x72616d0000000001};

static napi_value fail(napi_env env, const char *message) {
  napi_throw_error(env, NULL, message);
  return NULL;
}

typedef struct {
  void *data;
  size_t length;
} Span;

/* The elements of a typed array of one of two types, without a copy. */
static int read_typed_array(napi_env env, napi_value value, napi_typedarray_type type, napi_typedarray_type other, Span *span) {
  bool is_typed_array = false;
  napi_typedarray_type actual;
  if (napi_is_typedarray(env, value, &is_typed_array) != napi_ok || !is_typed_array) return 0;
  if (napi_get_typedarray_info(env, value, &actual, &span->length, &span->data, NULL, NULL) != napi_ok) return 0;
  return actual == type || actual == other;
}

static int read_doubles(napi_env env, napi_value value, Span *span) {
  return read_typed_array(env, value, napi_float64_array, napi_float64_array, span);
}

static int read_integers(napi_env env, napi_value value, Span *span) {
  return read_typed_array(env, value, napi_int32_array, napi_int32_array, span);
}

static int read_arena(napi_env env, napi_value value, Span *span) {
  bool is_array_buffer = false;
  if (napi_is_arraybuffer(env, value, &is_array_buffer) != napi_ok || !is_array_buffer) return 0;
  return napi_get_arraybuffer_info(env, value, &span->data, &span->length) == napi_ok;
}

static void finalize_program(napi_env env, void *data, void *hint) {
  (void)env;
  (void)hint;
  free_program(data);
}

/* load(words: Float64Array, arena: ArrayBuffer, threads?: number) -> program */
static napi_value load(napi_env env, napi_callback_info info) {
  napi_value arguments[3], result;
  size_t count = 3;
  Span words, arena;
  int32_t threads = 1;
  const char *error;
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 2) return fail(env, "load takes words, an arena and a number of threads");
  if (!read_doubles(env, arguments[0], &words)) return fail(env, "words must be a Float64Array");
  if (!read_arena(env, arguments[1], &arena)) return fail(env, "the arena must be an ArrayBuffer");
  if (count > 2 && (napi_get_value_int32(env, arguments[2], &threads) != napi_ok || threads < 1 || threads > THREADS_MAX))
    return fail(env, "threads must be a number from 1 to 64");
  const ProgramRequest request = {words.data, words.length, arena.length, threads, choose_variant()};
  Program *program = decode_program(&request, &error);
  if (program == NULL) return fail(env, error);
  if (napi_create_external(env, program, finalize_program, NULL, &result) != napi_ok) {
    free_program(program);
    return fail(env, "out of memory");
  }
  if (napi_type_tag_object(env, result, &PROGRAM_TAG) != napi_ok) return fail(env, "the program cannot be tagged");
  return result;
}

static int read_program(napi_env env, napi_value value, Program **program) {
  bool is_program = false;
  napi_valuetype type;
  if (napi_typeof(env, value, &type) != napi_ok || type != napi_external) return 0;
  if (napi_check_object_type_tag(env, value, &PROGRAM_TAG, &is_program) != napi_ok || !is_program) return 0;
  return napi_get_value_external(env, value, (void **)program) == napi_ok;
}

static int read_feeds(napi_env env, napi_value list, Feed *feeds, int64_t *feed_count) {
  bool is_array = false;
  uint32_t length;
  if (napi_is_array(env, list, &is_array) != napi_ok || !is_array) return 0;
  if (napi_get_array_length(env, list, &length) != napi_ok || length > MAX_FEEDS) return 0;
  for (uint32_t i = 0; i < length; i++) {
    napi_value element;
    Span span;
    if (napi_get_element(env, list, i, &element) != napi_ok) return 0;
    if (!read_typed_array(env, element, napi_float32_array, napi_int32_array, &span)) return 0;
    feeds[i] = (Feed){span.data, (int64_t)span.length};
  }
  *feed_count = length;
  return 1;
}

/* A whole number between 0 and 2^53. */
static int is_count(double value) { return value >= 0 && value <= 9007199254740992.0 && value == (double)(int64_t)value; }

static const char *read_numbers(const double *numbers, size_t order_length, RunRequest *request) {
  for (int i = 0; i < NUMBERS - 1; i++)
    if (!is_count(numbers[i])) return "numbers must be whole and not negative";
  request->from = (int64_t)numbers[0];
  request->to = (int64_t)numbers[1];
  request->batch_size = (int64_t)numbers[2];
  request->first_step = (int64_t)numbers[3];
  request->seed[0] = (uint32_t)(int64_t)numbers[4];
  request->seed[1] = (uint32_t)(int64_t)numbers[5];
  if (request->batch_size < 1) return "the batch size must be positive";
  if (request->from > request->to || (size_t)request->to > order_length) return "from and to must lie within the order";
  return NULL;
}

/* Steps a request would run. */
static size_t count_steps(const RunRequest *request) {
  return (size_t)((request->to - request->from + request->batch_size - 1) / request->batch_size);
}

/* run(program, arena, feeds, order, numbers, rates, control) -> steps done */
static napi_value run(napi_env env, napi_callback_info info) {
  napi_value arguments[7], result;
  size_t count = 7;
  Program *program;
  Span arena, order, numbers, rates, control;
  Feed feeds[MAX_FEEDS];
  RunRequest request = {.feeds = feeds};
  if (napi_get_cb_info(env, info, &count, arguments, NULL, NULL) != napi_ok || count < 7) return fail(env, "run takes seven arguments");
  if (!read_program(env, arguments[0], &program)) return fail(env, "the program must come from load");
  if (!read_arena(env, arguments[1], &arena)) return fail(env, "the arena must be an ArrayBuffer");
  if (arena.length < program_arena_bytes(program)) return fail(env, "the arena is smaller than the one the program was loaded with");
  if (!read_feeds(env, arguments[2], feeds, &request.feed_count)) return fail(env, "feeds must be Float32Array or Int32Array, at most 16");
  if (!read_integers(env, arguments[3], &order)) return fail(env, "the order must be an Int32Array");
  if (!read_doubles(env, arguments[4], &numbers) || numbers.length < NUMBERS) return fail(env, "numbers must be a Float64Array of 7");
  if (!read_doubles(env, arguments[5], &rates)) return fail(env, "rates must be a Float64Array");
  if (!read_integers(env, arguments[6], &control) || control.length < CONTROL_WORDS) return fail(env, "control must be an Int32Array");
  const char *fault = read_numbers(numbers.data, order.length, &request);
  if (fault != NULL) return fail(env, fault);
  if (rates.length != 0 && rates.length < count_steps(&request)) return fail(env, "there are fewer rates than steps");
  request.arena = arena.data;
  request.order = order.data;
  request.rates = rates.length == 0 ? NULL : rates.data;
  request.control = control.data;
  const RunResult outcome = run_program(program, &request);
  if (outcome.error != NULL) return fail(env, outcome.error);
  ((double *)numbers.data)[NUMBERS - 1] = (double)outcome.non_finite;
  return napi_create_double(env, (double)outcome.steps, &result) == napi_ok ? result : NULL;
}

static int set_kernel_names(napi_env env, napi_value exports, const Variant *variant) {
  napi_value names;
  if (napi_create_array_with_length(env, (size_t)variant->count, &names) != napi_ok) return 0;
  for (int i = 0; i < variant->count; i++) {
    napi_value name;
    if (napi_create_string_utf8(env, variant->kernels[i].name, NAPI_AUTO_LENGTH, &name) != napi_ok) return 0;
    if (napi_set_element(env, names, (uint32_t)i, name) != napi_ok) return 0;
  }
  return napi_set_named_property(env, exports, "kernels", names) == napi_ok;
}

static int set_function(napi_env env, napi_value exports, const char *name, napi_callback callback) {
  napi_value function;
  return napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, NULL, &function) == napi_ok &&
         napi_set_named_property(env, exports, name, function) == napi_ok;
}

NAPI_MODULE_INIT() {
  const Variant *variant = choose_variant();
  napi_value name;
  const int done = napi_create_string_utf8(env, variant->name, NAPI_AUTO_LENGTH, &name) == napi_ok &&
                   napi_set_named_property(env, exports, "variant", name) == napi_ok && set_kernel_names(env, exports, variant) &&
                   set_function(env, exports, "load", load) && set_function(env, exports, "run", run);
  return done ? exports : fail(env, "the addon cannot be set up");
}
