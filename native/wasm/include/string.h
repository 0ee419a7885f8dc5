/* What the kernels need of string.h; `libc.c` has it. */
#ifndef ALMA_WASM_STRING_H
#define ALMA_WASM_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memmove(void *to, const void *from, size_t count);
void *memset(void *to, int byte, size_t count);

#endif
