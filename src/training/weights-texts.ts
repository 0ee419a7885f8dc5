import { checkSpec, type ModelSpec } from '../engine/index.ts';
import { labelsOf, type Preprocessing, signature, toMetadata } from '../preprocessing/index.ts';

/** What one must know to use trained weights. */
export type WeightsDescription = ReturnType<typeof describeWeights>;

/** Describes the weights of a network that was trained on data prepared like this. */
export function describeWeights(spec: ModelSpec, preprocessing: Preprocessing) {
  return {
    spec,
    metadata: toMetadata(preprocessing),
    signature: signature(preprocessing, outputWidths(spec)),
    labels: labelsOf(preprocessing),
  };
}

/** The description as a file of weights carries it: JSON texts by name. */
export function weightsTexts({ metadata, ...described }: WeightsDescription): Readonly<Record<string, string>> {
  const texts = Object.entries({ ...metadata, ...described }).map(([name, value]) => [name, JSON.stringify(value)]);
  return Object.fromEntries(texts);
}

/** Values each output of the network gives for a row. The spec was checked when the job was accepted. */
function outputWidths(spec: ModelSpec): number[] {
  const { outputs } = checkSpec({ spec, limits: UNLIMITED });
  if (outputs.length === 0) throw new Error('the spec of a training does not pass its check');
  return outputs.map(({ shape }) => shape.reduce((product, size) => product * size, 1));
}

const UNLIMITED = {
  layersMax: Number.POSITIVE_INFINITY,
  parametersMax: Number.POSITIVE_INFINITY,
  arenaBytesMax: Number.POSITIVE_INFINITY,
};
