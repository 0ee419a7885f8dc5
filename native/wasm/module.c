/*
 * The interface of the module to `src/engine/backends/wasm.ts`, which keeps the step loop: here a call runs one step. The host's memory
 * cannot be seen from here, so the order, the feeds and the control words stay there; `copy_rows` (kernels/gather.h) asks for rows.
 *
 * An instance serves one arena. It begins at address 0, of which plans never use the first bytes: offsets of a program are addresses.
 */
#include "../program.h"
#include <stdlib.h>

#define EXPORT(name) __attribute__((export_name(#name), used)) name
#define FINISHED (-1)
#define FAILED (-2)

extern const Variant alma_simd128;

void set_heap(uintptr_t start);

/* Why the last load or step failed. */
static const char *fault;

/* To be called once, before anything else: the data of the module is in place and memory is free from `heap` on. */
void EXPORT(begin)(uintptr_t heap) { set_heap(heap); }

int EXPORT(kernel_count)(void) { return alma_simd128.count; }
const char *EXPORT(kernel_name)(int index) { return alma_simd128.kernels[index].name; }
const char *EXPORT(last_fault)(void) { return fault; }

/* Room for a program's words, or NULL. */
double *EXPORT(allocate_words)(uint32_t count) { return malloc((size_t)count * sizeof(double)); }

/* The program of `length` words, or NULL. */
Program *EXPORT(load)(const double *words, uint32_t length, uint32_t arena_bytes) {
  const ProgramRequest request = {words, length, arena_bytes, 1, &alma_simd128};
  return decode_program(&request, &fault);
}

/* One step over `rows` rows: FINISHED, FAILED, or the index of the command that found a number that is not finite. */
int32_t EXPORT(run_step)(Program *program, int32_t rows, double number, uint32_t seed_low, uint32_t seed_high, double rate) {
  int32_t control[2] = {0};
  const RunRequest request = {.arena = NULL, .to = rows, .batch_size = rows, .first_step = (int64_t)number,
                              .seed = {seed_low, seed_high}, .rates = &rate, .control = control};
  const RunResult result = run_program(program, &request);
  fault = result.error;
  if (fault != NULL) return FAILED;
  return result.non_finite >= 0 ? (int32_t)result.non_finite : FINISHED;
}

/* Whether a multiply-add rounds once: (1 + e)(1 - e) - 1 is -e^2 then, and 0 if the product was rounded. */
int EXPORT(rounds_once)(float e) {
  typedef float Four __attribute__((vector_size(16)));
  const Four one = {1, 1, 1, 1};
  const Four result = __builtin_wasm_fma_f32x4(one + e, one - e, -one);
  return result[0] != 0;
}
