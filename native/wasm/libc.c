/*
 * The few functions of the C library that kernels and interpreter call, for a module that has none.
 *
 * Memory is given out in order and never taken back: a program lives as long as the arena it is bound to, and both as long as the
 * instance. The host says where free memory begins (`set_heap`); it lies behind arena, data and stack.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES 65536
#define ALIGNMENT 16

typedef int32_t Chunk __attribute__((vector_size(16), aligned(1), may_alias));

static uintptr_t heap;

void set_heap(uintptr_t start) { heap = start; }

/* Whether the memory reaches to `end`; grows it if it does not. */
static int reach(uintptr_t end) {
  const size_t has = __builtin_wasm_memory_size(0), needs = (end + PAGE_BYTES - 1) / PAGE_BYTES;
  return needs <= has || __builtin_wasm_memory_grow(0, needs - has) != (size_t)-1;
}

int posix_memalign(void **place, size_t alignment, size_t bytes) {
  const uintptr_t start = (heap + alignment - 1) & ~(uintptr_t)(alignment - 1), end = start + bytes;
  /* The last page is never reached, so that rounding up to pages does not wrap. */
  if (start < heap || end < start || end > UINTPTR_MAX - PAGE_BYTES || !reach(end)) return 1;
  heap = end;
  *place = (void *)start;
  return 0;
}

void *malloc(size_t bytes) {
  void *place;
  return posix_memalign(&place, ALIGNMENT, bytes) == 0 ? place : NULL;
}

/* Fresh pages are zeros, and no byte is given out twice. */
void *calloc(size_t count, size_t bytes) { return bytes != 0 && count > SIZE_MAX / bytes ? NULL : malloc(count * bytes); }

void free(void *place) { (void)place; }

void *memcpy(void *restrict to, const void *restrict from, size_t count) {
  unsigned char *out = to;
  const unsigned char *in = from;
  for (; count >= 16; count -= 16, out += 16, in += 16) *(Chunk *)out = *(const Chunk *)in;
  for (; count >= 4; count -= 4, out += 4, in += 4) __builtin_memcpy(out, in, 4);
  while (count-- > 0) *out++ = *in++;
  return to;
}

void *memmove(void *to, const void *from, size_t count) {
  unsigned char *out = to;
  const unsigned char *in = from;
  if (out <= in) {
    for (size_t i = 0; i < count; i++) out[i] = in[i];
  } else {
    while (count-- > 0) out[count] = in[count];
  }
  return to;
}

void *memset(void *to, int byte, size_t count) {
  unsigned char *out = to;
  const Chunk filler = (Chunk){0} + (int32_t)(0x01010101u * (unsigned char)byte);
  for (; count >= 16; count -= 16, out += 16) *(Chunk *)out = filler;
  while (count-- > 0) *out++ = (unsigned char)byte;
  return to;
}
