import type { Fault } from '../faults.ts';
import type { Shape } from '../shape.ts';

/** One layer as posted: type, optional name, the layer's own options beside them. */
export interface LayerSpec {
  readonly type: string;
  readonly name?: string;
  /** Functional form: names of the layers or inputs that feed this one. */
  readonly inbound?: readonly string[];
  readonly [option: string]: unknown;
}

/** A network, sequential (`input_shape`) or functional (`inputs`, `inbound`, `outputs`). */
export interface ModelSpec {
  readonly input_shape?: Shape;
  readonly inputs?: readonly { readonly name: string; readonly shape: Shape; readonly dtype?: 'float32' | 'int32' }[];
  readonly layers: readonly LayerSpec[];
  readonly outputs?: readonly string[];
}

/** What the network is to be trained on, as far as the check of a spec needs it. */
export interface DataSignature {
  /** Width of a row after encoding: numbers count one, one-hot categories one per category. */
  readonly features: number;
  readonly target: TargetSignature;
}

export type TargetSignature =
  /** One column of class indices. */
  | { readonly kind: 'classes'; readonly classes: number }
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
  readonly output: { readonly shape: Shape; readonly activation: string } | null;
}
