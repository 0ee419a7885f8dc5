import type { Static, TSchema } from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import type { Shape } from '../shape.ts';
import type { ActivationName } from './activations.ts';
import type { Regularizer } from './regularizer.ts';

/** A weight a layer owns, in Keras layout. */
export interface WeightDefinition {
  /** `kernel`, `bias`, …: the part after the slash in `dense/kernel`. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: InitializerName;
  /** Elements that start at 1 whatever the initializer, such as the bias of a forget gate. */
  readonly ones?: { readonly from: number; readonly to: number };
  /** False for running statistics. */
  readonly trainable: boolean;
  /** Penalty on its values, where the layer has an option for it. */
  readonly regularizer?: Regularizer | null;
}

/** What a layer is built into besides its inputs and weights. */
export interface LayerContext {
  /** Per input its mask, [time] per row: 1 for a step that counts, 0 for one that does not. Null: all count. */
  readonly masks: readonly (Value | null)[];
  /** False for a frozen layer: batch normalisation then keeps to its running statistics. */
  readonly trainable: boolean;
}

/** How one output position sees the input, per spatial axis, for the receptive field. */
export interface ReceptiveStep {
  readonly kernel: readonly number[];
  readonly stride: readonly number[];
  readonly dilation: readonly number[];
}

/**
 * A layer: options, shape rule, weights and the ops it stands for. One file each, one line in `index.ts`;
 * catalog, JSON Schema, OpenAPI and conformance tests derive from this record.
 */
export interface LayerDefinition<Options extends TSchema = TSchema> {
  readonly type: string;
  /** One line of help for the catalog. */
  readonly summary: string;
  /** Link to the paper or the section of the theory. */
  readonly source?: string;
  /**
   * Options next to `type` and `name`, with defaults and one-line descriptions: an object, or a union of objects that a
   * constant in each tells apart. An option with a default may be left out.
   */
  readonly options: Options;
  /** The option that sets the last axis of the output, where one does. */
  readonly widthOption?: string;
  /** How many inputs it takes; without this exactly one. */
  readonly arity?: { readonly min: number; readonly max: number };
  /** What its inputs hold; without this real numbers. */
  readonly inputType?: 'real' | 'int32';
  /** Shape of the (first) output without the batch, or what is wrong. Pointers are relative to the layer object. */
  outputShape(options: Static<Options>, inputs: readonly Shape[]): Shape | Fault;
  /** Shapes of the outputs after the first (`name:1`, …), such as returned states. */
  furtherOutputs?(options: Static<Options>, inputs: readonly Shape[]): readonly Shape[];
  weights(options: Static<Options>, inputs: readonly Shape[]): readonly WeightDefinition[];
  /** The activation its output comes from; absent or null when values pass through as they are. Given by the option `activation`. */
  outputActivation?(options: Static<Options>): ActivationName | null;
  /** Kernel, stride and dilation over the spatial axes, for layers that look at more than one position. */
  receptive?(options: Static<Options>, inputs: readonly Shape[]): ReceptiveStep;
  /**
   * Emits the layer's ops and returns the output, or all outputs in order. `weights` holds one value per definition, by name.
   * Identity ops are left out (dropout at inference). Masks of the inputs are used (consumed) here.
   */
  build(
    graph: GraphBuilder,
    options: Static<Options>,
    inputs: readonly Value[],
    weights: Readonly<Record<string, Value>>,
    context: LayerContext,
  ): Value | readonly Value[];
  /** The mask of the first output: `passMask` hands on that of the inputs, an embedding makes one. Without this there is none. */
  outputMask?(graph: GraphBuilder, options: Static<Options>, inputs: readonly Value[], masks: readonly (Value | null)[]): Value | null;
}

/** Keeps the option type while checking the record. */
export function defineLayer<Options extends TSchema>(definition: LayerDefinition<Options>): LayerDefinition<Options> {
  return definition;
}

export function isFault(result: Shape | Fault): result is Fault {
  return 'code' in result;
}

/** The mask rule of layers that work on each step by itself. */
export function passMask(
  _graph: GraphBuilder,
  _options: unknown,
  _inputs: readonly Value[],
  [mask]: readonly (Value | null)[],
): Value | null {
  return mask ?? null;
}
