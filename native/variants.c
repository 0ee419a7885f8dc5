/*
 * Chooses the instruction set once per process. ALMA_ISA (`avx2`, `baseline`) may force a lower one: the same job must
 * give the same bits with AVX2 and AVX-512, and the tests prove it this way. A set the machine lacks is never chosen.
 */
#include "kernel.h"
#include <stdlib.h>
#include <string.h>

#if defined(__x86_64__)
extern const Variant alma_avx512, alma_avx2, alma_baseline;

static int is_allowed(const char *name, const char *forced) { return forced == NULL || strcmp(forced, name) == 0; }

const Variant *choose_variant(void) {
  const char *forced = getenv("ALMA_ISA");
  const int has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
  const int has_avx512 = has_avx2 && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
                         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
  if (forced != NULL && strcmp(forced, "avx512") != 0 && strcmp(forced, "avx2") != 0 && strcmp(forced, "baseline") != 0) forced = NULL;
  if (has_avx512 && is_allowed("avx512", forced)) return &alma_avx512;
  if (has_avx2 && (is_allowed("avx2", forced) || is_allowed("avx512", forced))) return &alma_avx2;
  return &alma_baseline;
}
#elif defined(__aarch64__)
extern const Variant alma_neon;
const Variant *choose_variant(void) { return &alma_neon; }
#else
extern const Variant alma_baseline;
const Variant *choose_variant(void) { return &alma_baseline; }
#endif
