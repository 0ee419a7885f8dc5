import type { Fault } from '../faults.ts';
import type { Shape } from '../shape.ts';

/** One layer as posted: type, optional name, the layer's own options beside them. */
export interface LayerSpec {
  readonly type: string;
  readonly name?: string;
  /** False freezes the layer: training leaves its weights alone. */
  readonly trainable?: boolean;
  /** Functional form: what feeds this layer, or one such list per use of a layer that is used several times. */
  readonly inbound?: readonly string[] | readonly (readonly string[])[];
  readonly [option: string]: unknown;
}

export type InputDtype = 'float32' | 'int32';

/** An input of the functional form. */
export interface InputSpec {
  readonly name: string;
  readonly shape: Shape;
  /** Default `float32`. */
  readonly dtype?: InputDtype;
  /** For the service: columns that feed it. */
  readonly columns?: readonly string[];
}

/**
 * A network, sequential (`input_shape`) or functional (`inputs`, `inbound`, `outputs`). In the functional form a tensor is
 * called by the input or layer it comes from; output k of a layer is `name:k`, and a layer used several times has the
 * outputs of its first use first.
 */
export interface ModelSpec {
  readonly input_shape?: Shape;
  /** Default `float32`. */
  readonly input_dtype?: InputDtype;
  readonly inputs?: readonly InputSpec[];
  readonly layers: readonly LayerSpec[];
  readonly outputs?: readonly string[];
}

/** What the network is to be trained on, as far as the check of a spec needs it. */
export interface DataSignature {
  /** Width of a row after encoding: numbers count one, one-hot categories one per category. */
  readonly features: number;
  /** Width of each input's columns, where the inputs say which columns feed them. */
  readonly inputs?: readonly number[];
  readonly target: TargetSignature;
  /** For a network with several outputs, in their order; `target` is then the first. */
  readonly targets?: readonly TargetSignature[];
}

export type TargetSignature =
  /** One column of class indices; labels as texts, in their order. */
  | { readonly kind: 'classes'; readonly classes: number; readonly labels?: readonly string[] }
  /** `outputs` numeric columns. */
  | { readonly kind: 'numbers'; readonly outputs: number };

export type Task = 'classification' | 'regression';

/** Upper bounds the check refuses to pass; part of the service's configuration. */
export interface SpecLimits {
  readonly layersMax: number;
  readonly parametersMax: number;
  readonly arenaBytesMax: number;
}

export interface LayerReport {
  readonly name: string;
  readonly type: string;
  readonly output_shape: Shape;
  readonly params: number;
  /** Floating-point operations of one forward pass over one row. */
  readonly flops: number;
  /** Positions of the network's input that one position of this output sees, per spatial axis; null where there are no such axes. */
  readonly receptive_field: readonly number[] | null;
}

/** Everything wrong and everything known about a spec. `spec` is null when faults leave no usable network. */
export interface SpecReport {
  readonly faults: readonly Fault[];
  readonly warnings: readonly Fault[];
  readonly layers: readonly LayerReport[];
  readonly total_params: number;
  /** The spec with every default filled in: layer names, options, input shape. */
  readonly spec: ModelSpec | null;
  /** Shape of the output without the batch, and the activation the output layer ends in. */
  readonly output: OutputReport | null;
  /** All outputs in order (one in the sequential form); empty where one is not known. */
  readonly outputs: readonly OutputReport[];
}

export interface OutputReport {
  /** The layer it comes from. */
  readonly name: string;
  readonly shape: Shape;
  readonly activation: string;
}
