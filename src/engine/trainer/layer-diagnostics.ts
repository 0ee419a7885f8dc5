import type { Backend } from '../backends/backend.ts';
import { CONTROL } from '../backends/backend.ts';
import type { Numbers } from '../backends/kernel.ts';
import { viewOf } from '../backends/reference.ts';
import type { Node } from '../graph/graph.ts';
import { storageOf } from '../graph/value.ts';
import type { OpName } from '../ops/op-attributes.ts';
import { placeValues } from '../plan/placement.ts';
import { assembleProgram } from '../plan/program.ts';
import type { TrainingPlan } from '../plan/training-plan.ts';
import { gradientPlace } from '../plan/weights-layout.ts';
import { sizeOf } from '../shape.ts';
import type { PlacedRows } from './feeds.ts';

/** How a layer is doing, from one step on a copy of the weights. */
export interface LayerDiagnostics {
  readonly layer: string;
  /** Norm of the gradients of its weights; null without weights that learn. */
  readonly gradient_norm: number | null;
  /** Norm of the update divided by that of the weights; about 1e-3 is healthy. */
  readonly update_ratio: number | null;
  readonly activation_mean: number;
  readonly activation_std: number;
  /** Share of outputs within 1% of a limit of the activation, where it has limits. */
  readonly saturated: number | null;
  /** Share of units that are 0 for all rows of the batch, where the activation can switch them off. */
  readonly dead: number | null;
}

/** Limits of activations that have some. */
const LIMITS: Partial<Record<OpName, readonly [number, number]>> = {
  sigmoid: [0, 1],
  hard_sigmoid: [0, 1],
  tanh: [-1, 1],
  softsign: [-1, 1],
};
const NEAR = 0.01;

export interface DiagnosedStep {
  readonly batch: PlacedRows;
  readonly number: number;
  readonly learningRate: number;
  readonly seed: readonly [number, number];
}

function placeApart({ step, training }: TrainingPlan) {
  const kept = step.calls.flatMap(({ buffers }) => buffers.flatMap((value) => value ?? []));
  return placeValues({ ...step, kept, batchSize: training.batchSize, realBytes: 4 });
}

/** What the copy of the arena takes in which diagnostics look at a step. */
export function diagnosticsBytes(plan: TrainingPlan): number {
  return placeApart(plan).to;
}

/** Runs one step on a copy of the arena in which every value keeps its own place, and looks at all of them. */
export function createDiagnostics(plan: TrainingPlan, backend: Backend): (arena: ArrayBuffer, step: DiagnosedStep) => LayerDiagnostics[] {
  const { step, training } = plan;
  const placed = placeApart(plan);
  const program = assembleProgram(step.calls, placed.places, { arenaBytes: placed.to, batchSize: training.batchSize });
  const { arena: copy, sessions } = backend.bind([program]);
  const outputs = lastNodes(step.side.nodes);
  return (arena, { batch, number, learningRate, seed }) => {
    new Uint8Array(copy).set(new Uint8Array(arena, 0, step.from));
    sessions[0]!.run({
      ...batch,
      from: 0,
      to: batch.order.length,
      firstStep: number,
      learningRates: Float64Array.of(learningRate),
      seed,
      control: new Int32Array(CONTROL.words),
    });
    return [...outputs].map(([layer, node]) => {
      const [output] = node.outputs;
      const numbers = viewOf(placed.places.get(storageOf(output!))!, copy);
      const used = batch.order.length * sizeOf(output!.shape) * (output!.rowsPerRow ?? 1);
      return {
        layer,
        ...weightNorms(plan, layer, arena, copy),
        ...activationStatistics(node, numbers.subarray(0, output!.batched ? used : numbers.length)),
      };
    });
  };
}

/** The node that makes each layer's output: the last one it emitted that is live. */
function lastNodes(nodes: readonly Node[]): Map<string, Node> {
  return new Map(nodes.filter(({ outputs }) => outputs[0]?.type === 'real').map((node) => [node.layer, node]));
}

function weightNorms({ weights, layout }: TrainingPlan, layer: string, before: ArrayBuffer, after: ArrayBuffer) {
  const own = weights.flatMap(({ name, trainable }, i) => (trainable && name.startsWith(`${layer}/`) ? [layout.weights[i]!] : []));
  if (own.length === 0) return { gradient_norm: null, update_ratio: null };
  let [gradients, moves, sizes] = [0, 0, 0];
  for (const place of own) {
    const { byteOffset, length } = place;
    const old = new Float32Array(before, byteOffset, length);
    const updated = new Float32Array(after, byteOffset, length);
    const gradient = new Float32Array(after, gradientPlace(layout, place).byteOffset, length);
    for (let i = 0; i < length; i += 1) {
      gradients += gradient[i]! ** 2;
      moves += (updated[i]! - old[i]!) ** 2;
      sizes += old[i]! ** 2;
    }
  }
  return { gradient_norm: Math.sqrt(gradients), update_ratio: sizes === 0 ? null : Math.sqrt(moves / sizes) };
}

function activationStatistics({ op, outputs }: Node, numbers: Numbers) {
  const mean = meanOf(numbers, (x) => x);
  const limits = LIMITS[op];
  const units = outputs[0]!.shape.at(-1) ?? 1;
  return {
    activation_mean: mean,
    activation_std: Math.sqrt(meanOf(numbers, (x) => (x - mean) ** 2)),
    saturated: limits ? meanOf(numbers, (x) => Number(isNear(x, limits))) : null,
    dead: op === 'relu' ? deadShare(numbers, units) : null,
  };
}

function isNear(x: number, [low, high]: readonly [number, number]): boolean {
  const margin = NEAR * (high - low);
  return x <= low + margin || x >= high - margin;
}

function deadShare(numbers: Numbers, units: number): number {
  const alive = new Uint8Array(units);
  for (let i = 0; i < numbers.length; i += 1) if (numbers[i] !== 0) alive[i % units] = 1;
  return 1 - alive.reduce((sum, flag) => sum + flag, 0) / units;
}

function meanOf(numbers: Numbers, of: (x: number) => number): number {
  let sum = 0;
  for (let i = 0; i < numbers.length; i += 1) sum += of(numbers[i]!);
  return sum / numbers.length;
}
