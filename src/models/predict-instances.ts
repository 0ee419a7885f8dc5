import type { Fault, Predictor } from '../engine/index.ts';
import { decodeOutputs, encodeInstances, type Prediction, type Preprocessing } from '../preprocessing/index.ts';

/** A trained network that can answer. */
export interface LoadedModel {
  readonly preprocessing: Preprocessing;
  readonly predictor: Predictor;
}

/** The one way from instances (by column name, or in feature order) to predictions. Every wrong cell is a fault with its row's index. */
export function predictInstances(
  { preprocessing, predictor }: LoadedModel,
  instances: readonly unknown[],
  { probabilities }: { probabilities: boolean },
): { readonly predictions: readonly Prediction[] } | { readonly faults: readonly Fault[] } {
  const encoded = encodeInstances(preprocessing, instances);
  if ('faults' in encoded) return encoded;
  const output = predictor.predict(encoded.features, instances.length);
  return { predictions: decodeOutputs({ preprocessing, output, rows: instances.length, width: predictor.outputWidth, probabilities }) };
}
