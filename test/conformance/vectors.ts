import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect } from 'vitest';

export interface VectorTensor {
  readonly shape: number[];
  readonly dtype?: 'float32' | 'int32';
  readonly data: number[];
}

/** One golden case; `README.md` beside the files says where the numbers come from and how each kind is run. */
export interface Vector {
  readonly name: string;
  readonly kind: string;
  readonly mode: 'train' | 'infer';
  // biome-ignore lint/suspicious/noExplicitAny: the spec of each kind of case is another document.
  readonly spec: any;
  readonly inputs: Record<string, VectorTensor>;
  readonly params: Record<string, VectorTensor>;
  readonly upstream?: VectorTensor;
  readonly expect: {
    readonly output?: VectorTensor;
    readonly grad_inputs?: Record<string, VectorTensor>;
    readonly grad_params?: Record<string, VectorTensor>;
    readonly params?: Record<string, VectorTensor>;
    readonly params_by_step?: Record<string, VectorTensor>[];
    readonly losses?: number[];
  };
  readonly tolerance: { readonly rtol: number; readonly atol: number };
}

const DIRECTORY = join(import.meta.dirname, '../fixtures/vectors');

export function loadVectors(kind: string): Vector[] {
  return readdirSync(DIRECTORY)
    .filter((file) => file.startsWith(`${kind}_`) && file.endsWith('.json'))
    .map((file): Vector => JSON.parse(readFileSync(join(DIRECTORY, file), 'utf8')));
}

/** The gradient sets of an optimizer case, in order. */
export function gradientSets({ inputs }: Vector): Record<string, VectorTensor>[] {
  const sets: unknown = inputs['gradients'];
  return sets as Record<string, VectorTensor>[];
}

/** Every number within `atol + rtol * |expected|`, and none missing. */
export function expectClose(
  received: ArrayLike<number>,
  expected: ArrayLike<number>,
  { rtol, atol }: Vector['tolerance'],
  what: string,
): void {
  expect(received.length, `${what}: length`).toBe(expected.length);
  const wrong = Array.from(expected, (value, i) => ({ i, value, received: received[i]! })).filter(
    (pair) => !(Math.abs(pair.received - pair.value) <= atol + rtol * Math.abs(pair.value)),
  );
  expect(wrong, what).toEqual([]);
}
