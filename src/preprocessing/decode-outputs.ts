import { finiteNumbers } from '../lib/finite-json.ts';
import type { Label, OutputTransform, Preprocessing } from './preprocessing.ts';

export interface DecodeRequest {
  readonly preprocessing: Pick<Preprocessing, 'target'>;
  /** `(rows, width)`: probabilities of classes, or standardised numbers. */
  readonly output: Float32Array;
  readonly rows: number;
  readonly width: number;
  readonly probabilities: boolean;
  /** `(rows, width)`: what each number is told against; absent where it stands for itself. */
  readonly offsets?: Float64Array;
}

/** One prediction as the API answers it. */
export type Prediction = Readonly<Record<string, unknown>>;

/** Outputs of the network in the words and units of the target. */
export function decodeOutputs({ preprocessing: { target }, output, rows, width, probabilities, offsets }: DecodeRequest): Prediction[] {
  if (output.length !== rows * width) throw new Error(`${rows} rows of ${width} outputs expected, received ${output.length} values`);
  return Array.from({ length: rows }, (_, row) => {
    const values = output.subarray(row * width, (row + 1) * width);
    if (target.kind === 'classes') return decodeClass(values, target.labels, probabilities);
    return decodeNumbers(values, target.columns, offsets?.subarray(row * width, (row + 1) * width));
  });
}

/** Several outputs, each `(rows, width)`: an object by the names of the outputs. */
export function decodeSeveral(request: {
  readonly transforms: readonly OutputTransform[];
  readonly outputs: readonly { readonly values: Float32Array; readonly width: number }[];
  readonly rows: number;
  readonly probabilities: boolean;
}): Prediction[] {
  const { transforms, outputs, rows, probabilities } = request;
  if (outputs.length !== transforms.length) throw new Error(`${transforms.length} outputs expected, received ${outputs.length}`);
  const decoded = transforms.map(({ name, target }, i) => {
    const { values: output = new Float32Array(0), width = 0 } = outputs[i] ?? {};
    return [name, decodeOutputs({ preprocessing: { target }, output, rows, width, probabilities })] as const;
  });
  return Array.from({ length: rows }, (_, row) => ({
    outputs: Object.fromEntries(decoded.map(([name, predictions]) => [name, predictions[row]])),
  }));
}

function decodeClass(output: Float32Array, labels: readonly Label[], probabilities: boolean): Prediction {
  const values = bothClasses(output);
  let best = 0;
  for (let place = 1; place < values.length; place++) if ((values[place] ?? 0) > (values[best] ?? 0)) best = place;
  const label = labels[best] ?? null;
  if (!probabilities) return { label };
  return { label, probabilities: finiteNumbers(Object.fromEntries(labels.map((name, place) => [String(name), values[place] ?? 0]))) };
}

/** One sigmoid unit gives the probability of the second class. */
function bothClasses(output: Float32Array): ArrayLike<number> {
  const [second] = output;
  return output.length === 1 && second !== undefined ? [1 - second, second] : output;
}

type NumberTarget = Extract<Preprocessing['target'], { kind: 'numbers' }>['columns'][number];

function decodeNumbers(output: Float32Array, columns: readonly NumberTarget[], offsets: Float64Array | undefined): Prediction {
  const values = columns.map(({ name, mean, std }, place) => {
    return [name, (output[place] ?? Number.NaN) * std + mean + (offsets?.[place] ?? 0)] as const;
  });
  const [first] = values;
  if (values.length === 1 && first !== undefined) return finiteNumbers({ value: first[1] });
  return { values: finiteNumbers(Object.fromEntries(values)) };
}
