import { describe, expect, it } from 'vitest';
import { committedModule, factsOf, fingerprintOfSources, problemOfModule } from '../../native/wasm/build.ts';
import { useRelaxedMadd } from '../../native/wasm/relaxed-madd.ts';

const HEADER = [0, 0x61, 0x73, 0x6d, 1, 0, 0, 0];
/** A function of three vectors that gives one. */
const TYPES = [1, 8, 1, 0x60, 3, 0x7b, 0x7b, 0x7b, 1, 0x7b];

/** A module with one function. */
function moduleOf(instructions: readonly number[]): Uint8Array<ArrayBuffer> {
  const body = [0, ...instructions, 0x0b];
  const code = [1, body.length, ...body];
  return Uint8Array.from([...HEADER, ...TYPES, 3, 2, 1, 0, 10, code.length, ...code]);
}

describe('the WebAssembly module', () => {
  it('was made from the sources as they are, and where its compiler is, is what that makes', () => {
    expect(problemOfModule()).toBeNull();
    expect(factsOf(committedModule()).sources).toBe(fingerprintOfSources());
  }, 120_000);
});

describe('the draft multiply-add of older compilers', () => {
  it('becomes the standard one, and the same bytes within a constant stay', () => {
    const draft = [0xfd, 0xaf, 0x01];
    const constant = [0xfd, 0x0c, ...draft, ...Array<number>(13).fill(0)];
    const module = moduleOf([0x20, 0, 0x20, 1, ...constant, ...draft]);
    expect(() => new WebAssembly.Module(module)).toThrow(/invalid/i);
    expect(useRelaxedMadd(module)).toBe(1);
    expect([...module.slice(-4)]).toEqual([0xfd, 0x85, 0x02, 0x0b]);
    expect([...module.slice(-20, -4)]).toEqual([...constant.slice(2)]);
    expect(new WebAssembly.Module(module)).toBeDefined();
  });

  it.each([
    ['instruction', [0x06]],
    ['draft of another vector instruction', [0xfd, 0xcf, 0x01]],
    ['bulk memory instruction', [0xfc, 10, 0, 0]],
  ])('an unknown %s is refused', (_what, instructions) => {
    expect(() => useRelaxedMadd(moduleOf(instructions))).toThrow(/unknown instruction/);
  });
});
