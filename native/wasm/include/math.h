/* What the interpreter needs of math.h: single instructions of WebAssembly. */
#ifndef ALMA_WASM_MATH_H
#define ALMA_WASM_MATH_H

#define floor(x) __builtin_floor(x)

#endif
