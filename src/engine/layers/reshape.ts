import Type from 'typebox';
import type { Fault } from '../faults.ts';
import type { Shape } from '../shape.ts';
import { formatShape, sameShape, sizeOf } from '../shape.ts';
import { defineLayer } from './layer.ts';

const INFERRED = -1;
const AXES_MAX = 8;

/** The same values under other axes, row-major; no value moves. */
export const reshape = defineLayer({
  type: 'reshape',
  summary: 'Gives the values of a row other axes.',
  options: Type.Object({
    target_shape: Type.Array(Type.Integer({ minimum: INFERRED }), {
      minItems: 1,
      maxItems: AXES_MAX,
      description: 'Axes of the output without the batch; one of them may be -1 and is worked out.',
    }),
  }),
  outputShape: ({ target_shape }, [input]) => resolve(target_shape, input!),
  weights: () => [],
  build(graph, { target_shape }, [input]) {
    const shape = resolve(target_shape, input!.shape);
    if ('code' in shape) throw new Error(`${graph.layer}: ${shape.detail}`);
    return sameShape(shape, input!.shape) ? input! : graph.apply('reshape', [input!], { shape });
  },
});

function resolve(target: Shape, input: Shape): Shape | Fault {
  const size = sizeOf(input);
  const known = sizeOf(target.filter((axis) => axis !== INFERRED));
  const unknowns = target.filter((axis) => axis === INFERRED).length;
  const resolved = unknowns === 1 ? target.map((axis) => (axis === INFERRED ? size / known : axis)) : target;
  if (unknowns <= 1 && sizeOf(resolved) === size && resolved.every((axis) => Number.isInteger(axis) && axis > 0)) return resolved;
  return {
    pointer: '/target_shape',
    code: 'shape_mismatch',
    detail: `target_shape must hold the ${size} values of ${formatShape(input)}, received [${target.join(', ')}].`,
    expected: size,
    received: target,
    ...(Number.isSafeInteger(size) && { suggestion: [{ op: 'replace', path: '/target_shape', value: [INFERRED] }] }),
  };
}
