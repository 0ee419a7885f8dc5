import { CONTROL } from '../backends/backend.ts';
import { viewOf } from '../backends/reference.ts';
import type { BackendName } from '../backends/select.ts';
import { backendFor } from '../backends/select.ts';
import { planPrediction } from '../plan/prediction-plan.ts';
import { FEEDS } from '../plan/training-plan.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import { writeWeights } from './weights-memory.ts';

/** Rows of one step. A step with fewer rows does no more work than they need, so there is one program for all sizes. */
const BATCH_ROWS = 64;

/** A network compiled for prediction. Not to be called from two threads. */
export interface Predictor {
  readonly outputWidth: number;
  /** Memory it holds. */
  readonly bytes: number;
  /** Outputs of `rows` rows, row-major: `features` (rows, input width) → (rows, output width). */
  predict(features: Float32Array, rows: number): Float32Array;
}

/** Compiles a checked spec and loads its weights. */
export function loadPredictor(model: {
  readonly spec: ModelSpec;
  readonly weights: readonly NamedTensor[];
  readonly backend: BackendName;
}): Predictor {
  const { program, weights, layout, output, inputWidth, outputWidth } = planPrediction({ spec: model.spec, batchSize: BATCH_ROWS });
  const arena = new ArrayBuffer(program.arenaBytes);
  writeWeights({ weights, layout, arena }, model.weights);
  const session = backendFor(model.backend, [program]).load(program, arena);
  const batch = viewOf(output, arena);
  const order = Int32Array.from({ length: BATCH_ROWS }, (_, row) => row);
  const shared = {
    order,
    from: 0,
    firstStep: 0,
    learningRates: new Float64Array(0),
    seed: [0, 0] as const,
    control: new Int32Array(CONTROL.words),
  };

  return {
    outputWidth,
    bytes: program.arenaBytes,
    predict(features, rows) {
      if (features.length !== rows * inputWidth) {
        throw new Error(`${rows} rows have ${rows * inputWidth} features, received ${features.length}`);
      }
      const outputs = new Float32Array(rows * outputWidth);
      for (let row = 0; row < rows; row += BATCH_ROWS) {
        const count = Math.min(BATCH_ROWS, rows - row);
        const feeds = [];
        feeds[FEEDS.features] = features.subarray(row * inputWidth, (row + count) * inputWidth);
        session.run({ ...shared, feeds, to: count });
        outputs.set(batch.subarray(0, count * outputWidth), row * outputWidth);
      }
      return outputs;
    },
  };
}
