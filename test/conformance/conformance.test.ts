import { describe, expect, it } from 'vitest';
import type { Backend } from '../../src/engine/backends/backend.ts';
import { referenceBackend } from '../../src/engine/backends/reference.ts';
import { selectBackend } from '../../src/engine/index.ts';
import { hasAddon } from '../native/native-addon.ts';
import { runTraining } from './run-training.ts';
import { runActivation, runLayer, runLoss, runMetric, runOptimizer } from './run-vector.ts';
import { loadVectors } from './vectors.ts';

const KINDS = {
  layer: runLayer,
  activation: runActivation,
  loss: runLoss,
  optimizer: runOptimizer,
  metric: runMetric,
  training: runTraining,
};

// Without a C compiler there is no native backend to hold to the numbers.
const backends: Backend[] = [referenceBackend(), ...(hasAddon() ? [selectBackend('native')] : [])];

describe.each(backends.map((backend) => ({ backend, name: backend.name })))('the $name backend', ({ backend }) => {
  for (const [kind, run] of Object.entries(KINDS)) {
    const vectors = loadVectors(kind);
    it(`has golden cases of kind ${kind}`, () => expect(vectors.length).toBeGreaterThan(0));
    it.each(vectors)('computes $name', (vector) => run(vector, backend));
  }
});
