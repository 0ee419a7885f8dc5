import type { Shape } from '../shape.ts';

/** A weight under its full name, `<layer name>/<weight name>`, in Keras layout, row-major. */
export interface NamedTensor {
  readonly name: string;
  readonly shape: Shape;
  readonly data: Float32Array;
}
