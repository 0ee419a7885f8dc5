import type { BufferRef, Program } from '../backends/backend.ts';
import type { Value } from '../graph/graph.ts';
import { storageOf } from '../graph/value.ts';
import type { Call } from '../ops/op.ts';
import type { UpdateCall } from '../optimizers/optimizer.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import type { Accumulators } from './accumulators.ts';
import { accumulateCalls, placeAccumulators } from './accumulators.ts';
import { fuseCalls } from './fuse-calls.ts';
import { type InputFeed, inputFeeds } from './input-feeds.ts';
import { type Placement, type PlacementRequest, placeValues } from './placement.ts';
import { assembleProgram } from './program.ts';
import type { OutputRequest, Side } from './training-side.ts';
import { buildSide } from './training-side.ts';
import type { Clips } from './update-calls.ts';
import { updateCalls } from './update-calls.ts';
import type { Block, WeightsLayout } from './weights-layout.ts';
import { layOutWeights } from './weights-layout.ts';

export interface TrainingPlanRequest {
  readonly spec: ModelSpec;
  /** One per output of the network, in order. Their weighted losses are summed. */
  readonly outputs: readonly OutputRequest[];
  readonly update: UpdateCall & { readonly slots: number };
  readonly clips?: Clips;
  readonly batchSize: number;
  readonly evaluationBatchSize: number;
  readonly realBytes: 4 | 8;
}

/** Everything a job needs to run: two programs over one arena, which nobody has allocated yet. */
export interface TrainingPlan extends Pick<Accumulators, 'metrics' | 'collected' | 'penalties'> {
  readonly training: Program;
  readonly evaluation: Program;
  readonly weights: readonly NetworkWeight[];
  readonly layout: WeightsLayout;
  /** All accumulators: filled with 0 before an epoch, read after it. */
  readonly accumulators: Block;
  /** The inputs: feeds 0, 1, …; targets of the outputs follow, and weights of the outputs that have some. */
  readonly inputs: readonly InputFeed[];
  /** Where each output's predictions lie after a step; only those of collected metrics are kept so long. */
  readonly predictions: { readonly training: readonly (BufferRef | null)[]; readonly evaluation: readonly (BufferRef | null)[] };
  readonly arenaBytes: number;
  /** Floating-point operations of one training step per row, and of one evaluation per row. */
  readonly flopsPerRow: { readonly training: number; readonly evaluation: number };
  /** The training step over values, for whoever wants to look inside. */
  readonly step: PlannedStep;
}

/** A step before it is placed. */
export interface PlannedStep {
  readonly calls: readonly Call[];
  readonly homes: ReadonlyMap<Value, BufferRef>;
  readonly side: Side;
  /** First byte that no home takes. */
  readonly from: number;
}

export function planTraining(request: TrainingPlanRequest): TrainingPlan {
  const { realBytes, batchSize, evaluationBatchSize } = request;
  const training = buildSide(request.spec, request.outputs, 'training');
  const evaluation = buildSide(request.spec, request.outputs, 'inference');
  const layout = layOutWeights(training.network.weights, { realBytes, slots: request.update.slots });
  const accumulators = placeAccumulators(training, layout.to);
  const from = accumulators.to;
  const trained = joinSide(training, accumulators, layout);
  const evaluated = joinSide(evaluation, accumulators, layout);
  const update = updateCalls(request, training, layout);
  const step = { calls: [...trained.calls, ...update.calls], homes: new Map([...trained.homes, ...update.homes]), side: training, from };
  const [ofTraining, ofEvaluation] = [
    fused({ ...step, kept: keptOf(training, accumulators) }),
    fused({ ...evaluated, kept: keptOf(evaluation, accumulators) }),
  ];
  const placedTraining = placeValues({ ...ofTraining, from, batchSize, realBytes });
  const placedEvaluation = placeValues({ ...ofEvaluation, from, batchSize: evaluationBatchSize, realBytes });
  const arenaBytes = Math.max(placedTraining.to, placedEvaluation.to);
  return {
    training: assembleProgram(ofTraining.calls, placedTraining.places, { arenaBytes, batchSize }),
    evaluation: assembleProgram(ofEvaluation.calls, placedEvaluation.places, { arenaBytes, batchSize: evaluationBatchSize }),
    weights: training.network.weights,
    layout,
    accumulators: { byteOffset: layout.to, bytes: from - layout.to },
    metrics: accumulators.metrics,
    collected: accumulators.collected,
    penalties: accumulators.penalties,
    inputs: inputFeeds(training.network),
    predictions: { training: predictionsOf(training, placedTraining), evaluation: predictionsOf(evaluation, placedEvaluation) },
    arenaBytes,
    flopsPerRow: { training: 3 * training.flops, evaluation: evaluation.flops },
    step,
  };
}

/** Calls with the same results in fewer passes over the memory. */
function fused<P extends Pick<PlacementRequest, 'calls' | 'homes' | 'kept'>>(part: P): P {
  return { ...part, calls: fuseCalls(part.calls, part) };
}

/** The forward pass with its sums, and the places that are given. */
function joinSide(side: Side, accumulators: Accumulators, layout: WeightsLayout) {
  const sums = accumulateCalls(side, accumulators);
  const weights = side.network.weights.map(({ value }, i): [Value, BufferRef] => [value, layout.weights[i]!]);
  return { calls: [...side.calls, ...sums.calls], homes: new Map([...weights, ...sums.homes]) };
}

function keptOf({ outputs }: Side, { collected }: Accumulators): Value[] {
  return [...new Set(collected.map(({ output }) => output))].map((output) => outputs[output]!.built.prediction);
}

function predictionsOf({ outputs }: Side, { places }: Placement): (BufferRef | null)[] {
  return outputs.map(({ built }) => places.get(storageOf(built.prediction)) ?? null);
}
