import { CONTROL } from '../backends/backend.ts';
import { viewOf } from '../backends/reference.ts';
import type { BackendName } from '../backends/select.ts';
import { backendFor } from '../backends/select.ts';
import { planPrediction } from '../plan/prediction-plan.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import type { NamedTensor } from '../weights/tensor.ts';
import { dealFeatures, type Features, type Feed } from './feeds.ts';
import { writeWeights } from './weights-memory.ts';

/** Rows of one step. A step with fewer rows does no more work than they need, so there is one program for all sizes. */
const BATCH_ROWS = 64;

/** A network compiled for prediction. Not to be called from two threads. */
export interface Predictor {
  /** Numbers per row of the first output. */
  readonly outputWidth: number;
  readonly outputs: readonly { readonly name: string; readonly width: number }[];
  /** Memory it holds. */
  readonly bytes: number;
  /** The first output of `rows` rows, row-major: `features` (rows, all inputs side by side) → (rows, output width). */
  predict(features: Features, rows: number): Float32Array;
  /** All outputs. */
  predictAll(features: Features, rows: number): Float32Array[];
}

/** Compiles a checked spec and loads its weights. */
export function loadPredictor(model: {
  readonly spec: ModelSpec;
  readonly weights: readonly NamedTensor[];
  readonly backend: BackendName;
}): Predictor {
  const { program, weights, layout, inputs, outputs } = planPrediction({ spec: model.spec, batchSize: BATCH_ROWS });
  const { arena, sessions } = backendFor(model.backend, [program]).bind([program]);
  const session = sessions[0]!;
  writeWeights({ weights, layout, arena }, model.weights);
  const batches = outputs.map(({ place }) => viewOf(place, arena));
  const order = Int32Array.from({ length: BATCH_ROWS }, (_, row) => row);
  const shared = {
    order,
    from: 0,
    firstStep: 0,
    learningRates: new Float64Array(0),
    seed: [0, 0] as const,
    control: new Int32Array(CONTROL.words),
  };

  /** Outputs of all rows, one array per output of the network. */
  const predictAll = (features: Features, rows: number): Float32Array[] => {
    const feeds = dealFeatures(features, rows, inputs);
    const predicted = outputs.map(({ width }) => new Float32Array(rows * width));
    for (let row = 0; row < rows; row += BATCH_ROWS) {
      const count = Math.min(BATCH_ROWS, rows - row);
      session.run({ ...shared, feeds: feeds.map((feed, i) => rowsOf(feed, inputs[i]!.width, row, count)), to: count });
      predicted.forEach((output, i) => {
        output.set(batches[i]!.subarray(0, count * outputs[i]!.width), row * outputs[i]!.width);
      });
    }
    return predicted;
  };

  return {
    outputWidth: outputs[0]!.width,
    outputs: outputs.map(({ name, width }) => ({ name, width })),
    bytes: program.arenaBytes,
    predict: (features, rows) => predictAll(features, rows)[0]!,
    predictAll,
  };
}

function rowsOf(feed: Feed, width: number, from: number, count: number): Feed {
  return feed.subarray(from * width, (from + count) * width);
}
