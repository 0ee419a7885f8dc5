/*
 * What the machine can do, on one core. Built and run by the bench, never by the product.
 *
 *   machine peak     the most fused multiply-adds a core does: {"gflops": ...}
 *   machine copy     bandwidth of memcpy over arrays that no cache holds, reading and writing counted: {"gb_per_s": ...}
 *   machine product  OpenBLAS SGEMM, C (1024, 1024) = A (1024, 1024) B (1024, 1024), row-major, in rounds as bench/sides/protocol.ts
 *                    says. The library is opened at run time (Debian: libopenblas0-pthread).
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/* Rounds are shorter than a slice of the scheduler's time and many, so that some meet nobody else. */
#define PEAK_ROUNDS 60
#define PEAK_STEPS 1000000L
#define COPY_ROUNDS 30
#define COPY_BYTES ((size_t)64 << 20)
#define REPEATS 5
#define SIZE 1024
/* Chains of dependent multiply-adds: more than latency times units of any core, fewer than its registers. */
#define CHAINS 12

typedef float Narrow __attribute__((vector_size(32)));
typedef float Wide __attribute__((vector_size(64)));

static double now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

/* GFLOP/s of CHAINS chains of one vector type: a = a * b + c, which the compiler fuses (-ffp-contract=fast). */
#define DEFINE_PEAK(name, Vector)                                                                                      \
  static double name(void) {                                                                                           \
    Vector chains[CHAINS], factor = (Vector){0} + 0.999f, term = (Vector){0} + 0.001f;                                  \
    for (int i = 0; i < CHAINS; i++) chains[i] = (Vector){0} + (float)i;                                               \
    double started = now();                                                                                            \
    for (long step = 0; step < PEAK_STEPS; step++)                                                                     \
      _Pragma("GCC unroll 12") for (int i = 0; i < CHAINS; i++) chains[i] = chains[i] * factor + term;                 \
    double seconds = now() - started;                                                                                  \
    volatile float sink = 0;                                                                                           \
    for (int i = 0; i < CHAINS; i++) sink += chains[i][0];                                                             \
    return 2.0 * CHAINS * PEAK_STEPS * (sizeof(Vector) / sizeof(float)) / seconds * 1e-9;                              \
  }
DEFINE_PEAK(peak_narrow, Narrow)
DEFINE_PEAK(peak_wide, Wide)

static void print_peak(void) {
  double best = 0;
  for (int round = 0; round < PEAK_ROUNDS; round++) {
    double narrow = peak_narrow(), wide = peak_wide();
    if (narrow > best) best = narrow;
    if (wide > best) best = wide;
  }
  printf("{\"gflops\":%.2f}\n", best);
}

static void print_copy(void) {
  char *from = malloc(COPY_BYTES), *to = malloc(COPY_BYTES);
  if (!from || !to) exit(1);
  memset(from, 1, COPY_BYTES);
  memset(to, 2, COPY_BYTES);
  double best = 0;
  for (int round = 0; round < COPY_ROUNDS; round++) {
    from[round] = (char)round;
    double started = now();
    memcpy(to, from, COPY_BYTES);
    double rate = 2.0 * (double)COPY_BYTES / (now() - started) * 1e-9;
    if (rate > best) best = rate;
  }
  printf("{\"gb_per_s\":%.2f}\n", best + (to[0] == 99 ? 1 : 0));
}

typedef void Sgemm(int order, int trans_a, int trans_b, int m, int n, int k, float alpha, const float *a, int lda, const float *b, int ldb,
                   float beta, float *c, int ldc);

static void *open_library(void) {
  const char *names[] = {"libopenblas.so.0", "libopenblas.so", "libopenblas.dylib"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    void *library = dlopen(names[i], RTLD_NOW);
    if (library) return library;
  }
  return NULL;
}

static float *matrix(void) {
  float *values = aligned_alloc(64, sizeof(float) * SIZE * SIZE);
  if (!values) exit(1);
  for (long i = 0; i < (long)SIZE * SIZE; i++) values[i] = (float)(i % 17) - 8.0f;
  return values;
}

static int serve_products(void) {
  char line[1 << 16];
  if (!fgets(line, sizeof line, stdin)) return 1;
  void *library = open_library();
  if (!library) return puts("{\"absent\":\"libopenblas is not installed\"}"), 0;
  Sgemm *sgemm = (Sgemm *)dlsym(library, "cblas_sgemm");
  void (*set_threads)(int) = (void (*)(int))dlsym(library, "openblas_set_num_threads");
  char *(*config)(void) = (char *(*)(void))dlsym(library, "openblas_get_config");
  if (!sgemm || !set_threads || !config) return puts("{\"absent\":\"libopenblas lacks cblas_sgemm\"}"), 0;
  set_threads(1);
  float *a = matrix(), *b = matrix(), *c = matrix();
  sgemm(101, 111, 111, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
  printf("{\"variant\":\"%s\"}\n", config());
  fflush(stdout);
  while (fgets(line, sizeof line, stdin) && strncmp(line, "round", 5) == 0) {
    double started = now();
    for (int i = 0; i < REPEATS; i++) sgemm(101, 111, 111, SIZE, SIZE, SIZE, 1, a, SIZE, b, SIZE, 0, c, SIZE);
    printf("{\"seconds\":%.9f}\n", (now() - started) / REPEATS);
    fflush(stdout);
  }
  return puts("{}"), 0;
}

int main(int count, char **arguments) {
  const char *what = count > 1 ? arguments[1] : "";
  if (strcmp(what, "product") == 0) return serve_products();
  if (strcmp(what, "peak") == 0) return print_peak(), 0;
  if (strcmp(what, "copy") == 0) return print_copy(), 0;
  fprintf(stderr, "usage: machine peak|copy|product\n");
  return 2;
}
