/*
 * What recurrent layers share: options, shapes, weights and the ops around a cell. x W is one product over all steps; the cell
 * itself is one op over the whole sequence (`ops/recurrence.ts`).
 */

import type { Static, TProperties, TSchema } from 'typebox';
import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import { initializerOption } from '../initializers/index.ts';
import type { CellActivation } from '../ops/cell-activations.ts';
import { CELL_ACTIVATIONS } from '../ops/cell-activations.ts';
import type { RecurrentOp } from '../ops/recurrence.ts';
import { STREAMS } from '../random.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sameShape } from '../shape.ts';
import type { ActivationName } from './activations.ts';
import type { LayerDefinition, WeightDefinition } from './layer.ts';
import { defineLayer } from './layer.ts';
import type { Regularizer } from './regularizer.ts';
import { regularizerOption } from './regularizer.ts';

/** Options as a recurrent layer reads them; those at the end only some kinds have. */
export interface RecurrentOptions {
  readonly units: number;
  readonly activation: CellActivation & ActivationName;
  readonly use_bias: boolean;
  readonly return_sequences: boolean;
  readonly return_state: boolean;
  readonly go_backwards: boolean;
  readonly dropout: number;
  readonly recurrent_dropout: number;
  readonly kernel_initializer: InitializerName;
  readonly recurrent_initializer: InitializerName;
  readonly bias_initializer: InitializerName;
  readonly kernel_regularizer: Regularizer | null;
  readonly recurrent_regularizer: Regularizer | null;
  readonly bias_regularizer: Regularizer | null;
  readonly recurrent_activation?: CellActivation;
  readonly unit_forget_bias?: boolean;
  readonly reset_after?: boolean;
}

const rate = (description: string) => Type.Number({ minimum: 0, exclusiveMaximum: 1, default: 0, description });
const flag = (description: string) => Type.Boolean({ default: false, description });

/** The options of every recurrent layer, with those of one kind. */
export function recurrentOptions<Own extends TProperties>(own: Own) {
  return Type.Object({
    units: Type.Integer({ minimum: 1, description: 'Size of the state and of the output.' }),
    activation: cellActivationOption('tanh', 'Function of what the state is made of.'),
    ...own,
    use_bias: Type.Boolean({ default: true, description: 'Whether the bias is there.' }),
    return_sequences: flag('Gives the output of every step instead of the last only.'),
    return_state: flag('Gives the final state as further outputs.'),
    go_backwards: flag('Reads the steps from last to first; outputs stay in that order.'),
    dropout: rate('Share of the inputs that is dropped, the same in every step of a sequence.'),
    recurrent_dropout: rate('Share of the state that is not fed back, the same in every step of a sequence.'),
    kernel_initializer: initializerOption('glorot_uniform', 'First values of the kernel of the input.'),
    recurrent_initializer: initializerOption('orthogonal', 'First values of the kernel of the state.'),
    bias_initializer: initializerOption('zeros', 'First values of the bias.'),
    kernel_regularizer: regularizerOption('Penalty on the kernel of the input.'),
    recurrent_regularizer: regularizerOption('Penalty on the kernel of the state.'),
    bias_regularizer: regularizerOption('Penalty on the bias.'),
  });
}

/** The function of the gates, for cells that have some. */
export const GATE_OPTION = { recurrent_activation: cellActivationOption('sigmoid', 'Function of the gates.') };

/** The option by which a recurrent layer names a function inside its cell. */
function cellActivationOption(defaultName: CellActivation & ActivationName, description: string) {
  return Type.Unsafe<CellActivation & ActivationName>({ type: 'string', enum: CELL_ACTIVATIONS, default: defaultName, description });
}

/** What tells one kind of recurrent layer from another. */
interface RecurrentKind<Options extends TSchema> {
  readonly type: 'simple_rnn' | 'lstm' | 'gru';
  readonly summary: string;
  readonly source: string;
  readonly options: Options;
  /** The options as all kinds read them. */
  read(options: Static<Options>): RecurrentOptions;
  /** Blocks of the kernels' columns. */
  readonly gates: number;
  /** States handed over and returned: h, or h and c. */
  readonly states: 1 | 2;
  op(options: RecurrentOptions): RecurrentOp;
  bias(options: RecurrentOptions): Pick<WeightDefinition, 'shape' | 'ones'>;
}

/** How a layer is run: as its options say, or as one of the two halves of `bidirectional`. */
interface Direction {
  readonly mask: Value | null;
  readonly backwards: boolean;
  /** Outputs of all steps stand where their steps stand in time, also when read backwards. */
  readonly inTimeOrder: boolean;
}

/** A recurrent layer can be run in a direction its options do not name. */
export interface RecurrentLayer<Options extends TSchema = TSchema> extends LayerDefinition<Options> {
  /** Emits the ops; y first, then the final h (and c). */
  run(
    graph: GraphBuilder,
    options: Static<Options>,
    inputs: readonly Value[],
    weights: Readonly<Record<string, Value>>,
    direction: Direction,
  ): readonly Value[];
}

export function defineRecurrentLayer<Options extends TSchema>(kind: RecurrentKind<Options>): RecurrentLayer<Options> {
  const { read, states, ...definition } = kind;
  const run: RecurrentLayer<Options>['run'] = (graph, options, inputs, weights, direction) => {
    const op = kind.op(read(options));
    return runCell(graph, { ...read(options), op, states }, inputs, weights, direction);
  };
  const layer = defineLayer({
    type: definition.type,
    summary: definition.summary,
    source: definition.source,
    options: definition.options,
    widthOption: 'units',
    arity: { min: 1, max: 1 + states },
    outputShape: (options, inputs) => recurrentShape(kind, read(options), inputs),
    furtherOutputs: (options) => (read(options).return_state ? Array<Shape>(states).fill([read(options).units]) : []),
    weights: (options, [input]) => recurrentWeights(kind, read(options), input!),
    outputActivation: (options) => read(options).activation,
    build(graph, options, inputs, weights, { masks }) {
      const { go_backwards: backwards, return_state } = read(options);
      const outputs = run(graph, options, inputs, weights, { mask: masks[0] ?? null, backwards, inTimeOrder: false });
      return return_state ? outputs : outputs[0]!;
    },
    outputMask(graph, options, _inputs, [mask]) {
      const { return_sequences, go_backwards } = read(options);
      if (!mask || !return_sequences) return null;
      return go_backwards ? graph.apply('reverse_time', [mask], {}) : mask;
    },
  });
  return { ...layer, run };
}

function recurrentShape<Options extends TSchema>(
  { type, states }: RecurrentKind<Options>,
  { units, return_sequences }: RecurrentOptions,
  [input, ...initial]: readonly Shape[],
): Shape | Fault {
  if (input?.length !== 2) {
    const detail = `${type} reads sequences [batch, time, features], received ${formatShape(input ?? [])}.`;
    return { pointer: '', code: 'shape_mismatch', detail, expected: 'two axes besides the batch', received: input };
  }
  const expected = Array<Shape>(states).fill([units]);
  if (initial.length > 0 && (initial.length !== states || !initial.every((state) => sameShape(state, [units])))) {
    const names = states === 2 ? 'h and c' : 'h';
    const received = initial.map(formatShape).join(' and ');
    const detail = `After its sequence ${type} of ${units} units takes nothing or its initial ${names}, each [batch, ${units}]; received ${received}.`;
    return { pointer: '', code: 'shape_mismatch', detail, expected, received: initial };
  }
  return return_sequences ? [input[0]!, units] : [units];
}

function recurrentWeights<Options extends TSchema>(
  kind: RecurrentKind<Options>,
  options: RecurrentOptions,
  input: Shape,
): WeightDefinition[] {
  const width = kind.gates * options.units;
  return [
    {
      name: 'kernel',
      shape: [input.at(-1)!, width],
      initializer: options.kernel_initializer,
      trainable: true,
      regularizer: options.kernel_regularizer,
    },
    {
      name: 'recurrent_kernel',
      shape: [options.units, width],
      initializer: options.recurrent_initializer,
      trainable: true,
      regularizer: options.recurrent_regularizer,
    },
    ...(options.use_bias
      ? [
          {
            name: 'bias',
            initializer: options.bias_initializer,
            trainable: true,
            regularizer: options.bias_regularizer,
            ...kind.bias(options),
          },
        ]
      : []),
  ];
}

interface Cell extends RecurrentOptions {
  readonly op: RecurrentOp;
  readonly states: 1 | 2;
}

function runCell(
  graph: GraphBuilder,
  cell: Cell,
  [x, ...initial]: readonly Value[],
  { kernel, recurrent_kernel, bias }: Readonly<Record<string, Value>>,
  { mask, backwards, inTimeOrder }: Direction,
): readonly Value[] {
  // Both streams are taken in any case, so that the rates of one layer do not change the masks of the others.
  const [inputStream, stateStream] = [graph.nextStream(), graph.nextStream()].map((stream) => STREAMS.dropout + stream);
  const training = graph.mode === 'training';
  const { units, dropout, recurrent_dropout } = cell;
  const seen = training && dropout > 0 ? graph.apply('spatial_dropout', [x!], { rate: dropout, stream: inputStream! }) : x!;
  const factors =
    training && recurrent_dropout > 0
      ? graph.apply('dropout_mask', [], { shape: [units], rate: recurrent_dropout, stream: stateStream! })
      : null;
  // With `reset_after` the bias has a part inside the recurrent sum and goes there whole.
  const innerBias = cell.op === 'gru' ? bias : undefined;
  const projected = graph.apply('dense', bias && !innerBias ? [seen, kernel!, bias] : [seen, kernel!], {});
  const optional = [innerBias, ...initial, factors, mask].filter((value) => value !== undefined && value !== null);
  const outputs = graph.applyAll(cell.op, [projected, recurrent_kernel!, ...optional], {
    sequences: cell.return_sequences,
    backwards,
    inTimeOrder,
    activation: cell.activation,
    recurrentActivation: cell.recurrent_activation ?? 'linear',
    has: { bias: innerBias !== undefined, initialState: initial.length > 0, dropout: factors !== null, mask: mask !== null },
  });
  return outputs.slice(0, 1 + cell.states);
}
