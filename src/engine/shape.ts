/** Sizes of a tensor's axes. The batch axis is never part of it. */
export type Shape = readonly number[];

/** Number of elements; 1 for a scalar. */
export function sizeOf(shape: Shape): number {
  return shape.reduce((product, axis) => product * axis, 1);
}

export function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((axis, i) => axis === b[i]);
}

/** `[batch, 8, 8]`, as messages print it. */
export function formatShape(shape: Shape): string {
  return `[${['batch', ...shape].join(', ')}]`;
}
