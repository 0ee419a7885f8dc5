/*
 * One vector of floats as wide as the instruction set, in GCC/Clang vector extensions, and the few operations those
 * lack (multiply_add, square_root, choose). Contraction is off in the build and every fused multiply-add is written as `multiply_add`, so AVX2,
 * AVX-512 and NEON round at the same places whatever the compiler does: an elementwise kernel gives the same bits at
 * every width. Reductions use LANES partial sums at every width and add them in one fixed order.
 */
#ifndef ALMA_VECTOR_H
#define ALMA_VECTOR_H

#include <stdint.h>
#include <string.h>

#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX2__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#if defined(__x86_64__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

#if defined(__clang__)
#define UNROLL _Pragma("clang loop unroll(full)")
#else
#define UNROLL _Pragma("GCC unroll 16")
#endif
/*
 * What was loaded before is not loaded again or earlier. The engines of WebAssembly keep the order of the compiler, and clang loads far
 * ahead: without this a register tile spills its sums.
 */
#if defined(__wasm__)
#define FINISH_FIRST __asm__ volatile("" ::: "memory")
#else
#define FINISH_FIRST (void)0
#endif
#define INLINE static inline __attribute__((always_inline))
/* Partial sums of a reduction, the same for every instruction set. */
#define LANES 16
#define LANE_VECTORS (LANES / WIDTH)

typedef float Vec __attribute__((vector_size(4 * WIDTH)));
typedef int32_t Mask __attribute__((vector_size(4 * WIDTH)));
/* The same bits anywhere in memory: arenas are aligned by the allocator, not by the type. */
typedef float UnalignedVec __attribute__((vector_size(4 * WIDTH), aligned(4), may_alias));

INLINE Vec load(const float *p) { return (Vec) * (const UnalignedVec *)p; }
INLINE void store(float *p, Vec v) { *(UnalignedVec *)p = (UnalignedVec)v; }
INLINE Vec splat(float x) { return x - (Vec){0}; }
INLINE Mask splat_bits(int32_t x) { return x - (Mask){0}; }

/* The first lanes of a vector, 0 ... WIDTH of them: memory beyond is neither read nor written. */
#if defined(__AVX512F__)
typedef __mmask16 Head;
INLINE Head head_of(int64_t count) { return (Head)((1u << count) - 1); }
INLINE Vec load_head(const float *p, Head head) { return (Vec)_mm512_maskz_loadu_ps(head, p); }
INLINE void store_head(float *p, Vec v, Head head) { _mm512_mask_storeu_ps(p, head, (__m512)v); }
#elif defined(__AVX2__)
typedef __m256i Head;
INLINE Head head_of(int64_t count) {
  static const int32_t edge[2 * WIDTH] = {-1, -1, -1, -1, -1, -1, -1, -1};
  return _mm256_loadu_si256((const __m256i *)(edge + WIDTH - count));
}
INLINE Vec load_head(const float *p, Head head) { return (Vec)_mm256_maskload_ps(p, head); }
INLINE void store_head(float *p, Vec v, Head head) { _mm256_maskstore_ps(p, head, (__m256)v); }
#else
typedef int64_t Head;
INLINE Head head_of(int64_t count) { return count; }
INLINE Vec load_head(const float *p, Head head) {
  float lanes[WIDTH] = {0};
  for (int64_t i = 0; i < head; i++) lanes[i] = p[i];
  return load(lanes);
}
INLINE void store_head(float *p, Vec v, Head head) {
  float lanes[WIDTH];
  store(lanes, v);
  for (int64_t i = 0; i < head; i++) p[i] = lanes[i];
}
#endif

/* The first `count` floats at p, zeros behind them. */
INLINE Vec load_some(const float *p, int64_t count) { return load_head(p, head_of(count)); }
INLINE void store_some(float *p, Vec v, int64_t count) { store_head(p, v, head_of(count)); }

/* a * b + c, rounded once where the machine can (twice on baseline x86, and in WebAssembly on a machine without). */
INLINE Vec multiply_add(Vec a, Vec b, Vec c) {
#if defined(__AVX512F__)
  return (Vec)_mm512_fmadd_ps((__m512)a, (__m512)b, (__m512)c);
#elif defined(__AVX2__)
  return (Vec)_mm256_fmadd_ps((__m256)a, (__m256)b, (__m256)c);
#elif defined(__aarch64__)
  return (Vec)vfmaq_f32((float32x4_t)c, (float32x4_t)a, (float32x4_t)b);
#elif defined(__wasm__)
  return __builtin_wasm_fma_f32x4(a, b, c); /* becomes f32x4.relaxed_madd: native/wasm/relaxed-madd.ts */
#else
  return a * b + c;
#endif
}

INLINE Vec square_root(Vec a) {
#if defined(__AVX512F__)
  return (Vec)_mm512_sqrt_ps((__m512)a);
#elif defined(__AVX2__)
  return (Vec)_mm256_sqrt_ps((__m256)a);
#elif defined(__x86_64__)
  return (Vec)_mm_sqrt_ps((__m128)a);
#elif defined(__aarch64__)
  return (Vec)vsqrtq_f32((float32x4_t)a);
#elif defined(__wasm__)
  return __builtin_wasm_sqrt_f32x4(a);
#else
  Vec r;
  for (int i = 0; i < WIDTH; i++) r[i] = __builtin_sqrtf(a[i]);
  return r;
#endif
}

/* Lane by lane: mask ? a : b. Comparisons give masks; NaN compares false, so put the NaN-keeping side in b. */
INLINE Vec choose(Mask mask, Vec a, Vec b) { return (Vec)((mask & (Mask)a) | (~mask & (Mask)b)); }
INLINE Vec absolute(Vec a) { return (Vec)((Mask)a & 0x7fffffff); }
/* |a| with the sign of b. */
INLINE Vec with_sign(Vec a, Vec b) { return (Vec)(((Mask)a & 0x7fffffff) | ((Mask)b & (int32_t)0x80000000)); }
/* Keeps a NaN in b. */
INLINE Vec greater(Vec a, Vec b) { return choose((Mask)(a > b), a, b); }
INLINE Vec lesser(Vec a, Vec b) { return choose((Mask)(a < b), a, b); }

/* LANES partial results. */
typedef struct {
  Vec part[LANE_VECTORS];
} Lanes;

INLINE Lanes splat_lanes(float x) {
  Lanes r;
  for (int i = 0; i < LANE_VECTORS; i++) r.part[i] = splat(x);
  return r;
}

/* The next LANES floats, or `count` of them followed by `filler`. */
INLINE Lanes load_lanes(const float *p, int64_t count, float filler) {
  Lanes r;
  float lanes[LANES];
  if (count < LANES) {
    for (int64_t i = 0; i < LANES; i++) lanes[i] = i < count ? p[i] : filler;
    p = lanes;
  }
  for (int i = 0; i < LANE_VECTORS; i++) r.part[i] = load(p + i * WIDTH);
  return r;
}

/* Adds the lanes pairwise: 16 -> 8 -> 4 -> 2 -> 1. */
INLINE float sum_lanes(Lanes a) {
  float lanes[LANES];
  for (int i = 0; i < LANE_VECTORS; i++) store(lanes + i * WIDTH, a.part[i]);
  for (int half = LANES / 2; half > 0; half /= 2)
    for (int i = 0; i < half; i++) lanes[i] += lanes[i + half];
  return lanes[0];
}

/* Largest lane; a NaN anywhere is the result. */
INLINE float max_lanes(Lanes a) {
  float lanes[LANES];
  for (int i = 0; i < LANE_VECTORS; i++) store(lanes + i * WIDTH, a.part[i]);
  float best = lanes[0];
  for (int i = 1; i < LANES; i++) best = best >= lanes[i] || best != best ? best : lanes[i];
  return best;
}

/* Runs `body` over n elements: `at` is the position, `count` the elements of this vector. */
#define FOR_VECTORS(at, count, n) \
  for (int64_t at = 0, count = (n) < WIDTH ? (n) : WIDTH; at < (n); at += WIDTH, count = (n)-at < WIDTH ? (n)-at : WIDTH)

/*
 * The same for loops that are worth compiling twice: whole vectors, whose `count` is then a constant, and what is left over. The body
 * follows `n`.
 */
#define EACH_VECTOR(at, count, n, ...) \
  do { \
    int64_t at = 0; \
    for (; at + WIDTH <= (n); at += WIDTH) { \
      enum { count = WIDTH }; \
      __VA_ARGS__ \
    } \
    if (at < (n)) { \
      const int64_t count = (n)-at; \
      __VA_ARGS__ \
    } \
  } while (0)

INLINE Vec load_at(const float *p, int64_t count) { return count == WIDTH ? load(p) : load_some(p, count); }
INLINE void store_at(float *p, Vec v, int64_t count) {
  if (count == WIDTH) store(p, v);
  else store_some(p, v, count);
}

#endif
