/* What the interpreter needs of stdlib.h; `libc.c` has it. */
#ifndef ALMA_WASM_STDLIB_H
#define ALMA_WASM_STDLIB_H

#include <stddef.h>

void *malloc(size_t bytes);
void *calloc(size_t count, size_t bytes);
int posix_memalign(void **place, size_t alignment, size_t bytes);
void free(void *place);

#endif
