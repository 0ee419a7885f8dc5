import type { Fault, Predictor } from '../engine/index.ts';
import {
  decodeOutputs,
  decodeSeveral,
  encodeInstances,
  encodeWindowInstances,
  isWindowed,
  type Prediction,
  type Preprocessing,
} from '../preprocessing/index.ts';

/** A trained network that can answer. */
export interface LoadedModel {
  readonly preprocessing: Preprocessing;
  readonly predictor: Predictor;
}

interface EncodedInstances {
  readonly features: Float32Array;
  readonly offsets?: Float64Array;
}

/** The one way from instances (by column name, or in feature order) to predictions. Every wrong cell is a fault with its row's index. */
export function predictInstances(
  { preprocessing, predictor }: LoadedModel,
  instances: readonly unknown[],
  { probabilities }: { probabilities: boolean },
): { readonly predictions: readonly Prediction[] } | { readonly faults: readonly Fault[] } {
  const encoded: EncodedInstances | { readonly faults: readonly Fault[] } = isWindowed(preprocessing)
    ? encodeWindowInstances(preprocessing, instances)
    : encodeInstances(preprocessing, instances);
  if ('faults' in encoded) return encoded;
  const rows = instances.length;
  if (preprocessing.outputs) {
    const all = predictor.predictAll(encoded.features, rows);
    const outputs = all.map((values, i) => ({ values, width: predictor.outputs[i]?.width ?? 0 }));
    return { predictions: decodeSeveral({ transforms: preprocessing.outputs, outputs, rows, probabilities }) };
  }
  const output = predictor.predict(encoded.features, rows);
  const { offsets } = encoded;
  const answer = { preprocessing, output, rows, width: predictor.outputWidth, probabilities };
  return { predictions: decodeOutputs({ ...answer, ...(offsets && { offsets }) }) };
}
