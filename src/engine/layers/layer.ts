import type { Static, TObject } from 'typebox';
import type { Fault } from '../faults.ts';
import type { GraphBuilder, Value } from '../graph/graph.ts';
import type { InitializerName } from '../initializers/index.ts';
import type { Shape } from '../shape.ts';

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
export interface LayerDefinition<Options extends TObject = TObject> {
  readonly type: string;
  /** One line of help for the catalog. */
  readonly summary: string;
  /** Link to the paper or the section of the theory. */
  readonly source?: string;
  /** Options next to `type` and `name`, with defaults and one-line descriptions. */
  readonly options: Options;
  /** Output shape without the batch, or what is wrong. Pointers are relative to the layer object. */
  outputShape(options: Static<Options>, inputs: readonly Shape[]): Shape | Fault;
  weights(options: Static<Options>, inputs: readonly Shape[]): readonly WeightDefinition[];
  /** Emits the layer's ops. `weights` holds one value per definition, by name. Identity ops are left out (dropout at inference). */
  build(graph: GraphBuilder, options: Static<Options>, inputs: readonly Value[], weights: Readonly<Record<string, Value>>): Value;
}

/** Keeps the option type while checking the record. */
export function defineLayer<Options extends TObject>(definition: LayerDefinition<Options>): LayerDefinition<Options> {
  return definition;
}
