import type { WalkedLayer } from './walk-layers.ts';
import type { Wiring } from './wiring.ts';

/** What one position of an output sees of the input: how many positions, and how far apart neighbours are. */
interface Field {
  readonly size: readonly number[];
  readonly jump: readonly number[];
}

/**
 * The receptive field of every layer (Araujo, Norris and Sim 2019, https://doi.org/10.23915/distill.00021): a window of k
 * positions d apart widens it by (k - 1) d j, where j is the distance of neighbouring positions in input positions. Where
 * branches meet, the widest counts.
 */
export function receptiveFields(layers: readonly WalkedLayer[], { uses, order }: Wiring): readonly WalkedLayer[] {
  const fields = new Map<number, Field>();
  for (const index of order) {
    const arriving = uses[index]!.flat().flatMap((source) => (source?.from === 'layer' ? (fields.get(source.index) ?? []) : []));
    const field = fieldAfter(layers[index]!, arriving);
    if (field) fields.set(index, field);
  }
  return layers.map((layer) => {
    const field = fields.get(layer.index);
    return field && layer.report ? { ...layer, report: { ...layer.report, receptive_field: field.size } } : layer;
  });
}

function fieldAfter({ known, inputShapes }: WalkedLayer, arriving: readonly Field[]): Field | null {
  const shapes = inputShapes.flatMap((shape) => (shape ? [shape] : []));
  const step = shapes.length === inputShapes.length ? known?.definition.receptive?.(known.options, shapes) : undefined;
  const before = arriving.reduce<Field | null>((widest, field) => (widest ? joined(widest, field) : field), null);
  if (!step) return before;
  const { kernel, stride, dilation } = step;
  const ones = kernel.map(() => 1);
  const { size, jump } = before && before.size.length === kernel.length ? before : { size: ones, jump: ones };
  return {
    size: size.map((width, axis) => width + (kernel[axis]! - 1) * dilation[axis]! * jump[axis]!),
    jump: jump.map((distance, axis) => distance * stride[axis]!),
  };
}

function joined(a: Field, b: Field): Field {
  const larger = (x: readonly number[], y: readonly number[]) => x.map((value, i) => Math.max(value, y[i] ?? 0));
  return { size: larger(a.size, b.size), jump: larger(a.jump, b.jump) };
}
