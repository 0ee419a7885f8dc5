import type { Static, TSchema } from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import type { Shape } from '../shape.ts';
import type { ActivationName } from './activations.ts';

/** A weight a layer owns, in Keras layout. */
export interface WeightDefinition {
  /** `kernel`, `bias`, …: the part after the slash in `dense/kernel`. */
  readonly name: string;
  readonly shape: Shape;
  readonly initializer: InitializerName;
  /** False for running statistics. */
  readonly trainable: boolean;
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
  /** Output shape without the batch, or what is wrong. Pointers are relative to the layer object. */
  outputShape(options: Static<Options>, inputs: readonly Shape[]): Shape | Fault;
  weights(options: Static<Options>, inputs: readonly Shape[]): readonly WeightDefinition[];
  /** The activation its output comes from; absent or null when values pass through as they are. Given by the option `activation`. */
  outputActivation?(options: Static<Options>): ActivationName | null;
  /** Emits the layer's ops. `weights` holds one value per definition, by name. Identity ops are left out (dropout at inference). */
  build(graph: GraphBuilder, options: Static<Options>, inputs: readonly Value[], weights: Readonly<Record<string, Value>>): Value;
}

/** Keeps the option type while checking the record. */
export function defineLayer<Options extends TSchema>(definition: LayerDefinition<Options>): LayerDefinition<Options> {
  return definition;
}

export function isFault(result: Shape | Fault): result is Fault {
  return 'code' in result;
}
