/*
 * Philox-4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * key = seed, counter = [block, step, stream, 0]; the same words as src/engine/random.ts.
 */
#ifndef ALMA_PHILOX_H
#define ALMA_PHILOX_H

#include "vector.h"

/* Blocks drawn side by side, one per 64-bit lane, so that the latency of the ten rounds is shared. */
#define PHILOX_BLOCKS 16
#define PHILOX_WORDS (4 * PHILOX_BLOCKS)
#define PHILOX_LANES (WIDTH / 2)
#define PHILOX_VECTORS (PHILOX_BLOCKS / PHILOX_LANES)

typedef uint64_t Wide __attribute__((vector_size(4 * WIDTH)));

/* Product of the lower halves of each lane. */
INLINE Wide multiply_low_halves(Wide a, uint64_t factor) {
#if defined(__AVX512F__)
  return (Wide)_mm512_mul_epu32((__m512i)a, _mm512_set1_epi64((long long)factor));
#elif defined(__AVX2__)
  return (Wide)_mm256_mul_epu32((__m256i)a, _mm256_set1_epi64x((long long)factor));
#elif defined(__x86_64__)
  return (Wide)_mm_mul_epu32((__m128i)a, _mm_set1_epi64x((long long)factor));
#else
  return (a & 0xffffffff) * factor;
#endif
}

/* Stores a and b lane by lane in turn. */
INLINE void store_in_turn(uint32_t *to, Wide a, Wide b) {
#if defined(__clang__) || __GNUC__ >= 12
#if WIDTH == 16
  const Wide first = __builtin_shufflevector(a, b, 0, 8, 1, 9, 2, 10, 3, 11), second = __builtin_shufflevector(a, b, 4, 12, 5, 13, 6, 14, 7, 15);
#elif WIDTH == 8
  const Wide first = __builtin_shufflevector(a, b, 0, 4, 1, 5), second = __builtin_shufflevector(a, b, 2, 6, 3, 7);
#else
  const Wide first = __builtin_shufflevector(a, b, 0, 2), second = __builtin_shufflevector(a, b, 1, 3);
#endif
  memcpy(to, &first, sizeof(first));
  memcpy(to + WIDTH, &second, sizeof(second));
#else
  UNROLL for (int lane = 0; lane < PHILOX_LANES; lane++) {
    const uint64_t pair[2] = {a[lane], b[lane]};
    memcpy(to + 4 * lane, pair, sizeof(pair));
  }
#endif
}

/* The words of PHILOX_BLOCKS blocks from `first`: word w of block b at words[4 b + w]. Only lower halves of lanes count. */
INLINE void philox(const uint32_t key[2], uint32_t first, uint32_t step, uint32_t stream, uint32_t words[PHILOX_WORDS]) {
  Wide x0[PHILOX_VECTORS], x1[PHILOX_VECTORS], x2[PHILOX_VECTORS], x3[PHILOX_VECTORS];
  uint32_t key0 = key[0], key1 = key[1];
  UNROLL for (int v = 0; v < PHILOX_VECTORS; v++) {
    x0[v] = (Wide){0};
    UNROLL for (int lane = 0; lane < PHILOX_LANES; lane++) x0[v][lane] = first + (uint32_t)(v * PHILOX_LANES + lane);
    x1[v] = (Wide){0} + step;
    x2[v] = (Wide){0} + stream;
    x3[v] = (Wide){0};
  }
  for (int round = 0; round < 10; round++) {
    UNROLL for (int v = 0; v < PHILOX_VECTORS; v++) {
      const Wide p0 = multiply_low_halves(x0[v], 0xd2511f53u), p1 = multiply_low_halves(x2[v], 0xcd9e8d57u);
      x0[v] = (p1 >> 32) ^ x1[v] ^ key0;
      x2[v] = (p0 >> 32) ^ x3[v] ^ key1;
      x1[v] = p1;
      x3[v] = p0;
    }
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  UNROLL for (int v = 0; v < PHILOX_VECTORS; v++) {
    const Wide low = (x0[v] & 0xffffffff) | x1[v] << 32, high = (x2[v] & 0xffffffff) | x3[v] << 32;
    store_in_turn(words + 4 * v * PHILOX_LANES, low, high);
  }
}

#endif
