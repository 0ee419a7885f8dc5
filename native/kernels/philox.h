/*
 * Philox-4x32-10: Salmon, Moraes, Dror and Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
 * key = seed, counter = [block, step, stream, 0]; the same words as src/engine/random.ts.
 */
#ifndef ALMA_PHILOX_H
#define ALMA_PHILOX_H

#include <stdint.h>

/* Blocks drawn side by side, so that the compiler fills its vectors. Integers: no width can change a bit. */
#define PHILOX_BLOCKS 16

/* The words of PHILOX_BLOCKS blocks from `first`: word w of block b at words[b * 4 + w]. */
static inline void philox(const uint32_t key[2], uint32_t first, uint32_t step, uint32_t stream, uint32_t words[PHILOX_BLOCKS * 4]) {
  uint32_t x0[PHILOX_BLOCKS], x1[PHILOX_BLOCKS], x2[PHILOX_BLOCKS], x3[PHILOX_BLOCKS];
  uint32_t key0 = key[0], key1 = key[1];
  for (int b = 0; b < PHILOX_BLOCKS; b++) {
    x0[b] = first + (uint32_t)b;
    x1[b] = step;
    x2[b] = stream;
    x3[b] = 0;
  }
  for (int round = 0; round < 10; round++) {
    for (int b = 0; b < PHILOX_BLOCKS; b++) {
      const uint64_t p0 = (uint64_t)0xd2511f53u * x0[b], p1 = (uint64_t)0xcd9e8d57u * x2[b];
      x0[b] = (uint32_t)(p1 >> 32) ^ x1[b] ^ key0;
      x2[b] = (uint32_t)(p0 >> 32) ^ x3[b] ^ key1;
      x1[b] = (uint32_t)p1;
      x3[b] = (uint32_t)p0;
    }
    key0 += 0x9e3779b9u;
    key1 += 0xbb67ae85u;
  }
  for (int b = 0; b < PHILOX_BLOCKS; b++) {
    words[b * 4] = x0[b];
    words[b * 4 + 1] = x1[b];
    words[b * 4 + 2] = x2[b];
    words[b * 4 + 3] = x3[b];
  }
}

#endif
