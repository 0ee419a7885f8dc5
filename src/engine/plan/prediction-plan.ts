import type { BufferRef, Program } from '../backends/backend.ts';
import { GraphBuilder } from '../graph/graph.ts';
import { liveNodes } from '../graph/live-nodes.ts';
import { storageOf } from '../graph/value.ts';
import { forwardCalls } from '../ops/calls.ts';
import { sizeOf } from '../shape.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import { buildNetwork } from '../spec/build-graph.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import { fuseCalls } from './fuse-calls.ts';
import { type InputFeed, inputFeeds } from './input-feeds.ts';
import { placeValues } from './placement.ts';
import { assembleProgram } from './program.ts';
import { gatherCall } from './training-side.ts';
import type { WeightsLayout } from './weights-layout.ts';
import { layOutWeights } from './weights-layout.ts';

/** A network that only predicts. */
export interface PredictionPlan {
  readonly program: Program;
  readonly weights: readonly NetworkWeight[];
  readonly layout: WeightsLayout;
  /** Feeds 0, 1, … of the program. */
  readonly inputs: readonly InputFeed[];
  readonly outputs: readonly PlacedOutput[];
}

export interface PlacedOutput {
  readonly name: string;
  /** Numbers per row. */
  readonly width: number;
  /** Where a batch's predictions lie after a step. */
  readonly place: BufferRef;
}

export function planPrediction({ spec, batchSize }: { readonly spec: ModelSpec; readonly batchSize: number }): PredictionPlan {
  const graph = new GraphBuilder('inference');
  const { inputs, outputs, weights } = buildNetwork(spec, graph);
  const layout = layOutWeights(weights, { realBytes: 4, slots: null });
  const roots = outputs.map(({ value }) => value);
  const homes = new Map(weights.map(({ value }, i) => [value, layout.weights[i]!]));
  const reading = inputs.map(({ value }, i) => gatherCall(value, i, 'gather'));
  const calls = fuseCalls([...reading, ...liveNodes(graph, roots).flatMap((node) => forwardCalls(node))], { homes, kept: roots });
  const { places, to } = placeValues({
    calls,
    homes,
    kept: roots,
    from: layout.to,
    batchSize,
    realBytes: 4,
  });
  return {
    program: assembleProgram(calls, places, { arenaBytes: to, batchSize }),
    weights,
    layout,
    inputs: inputFeeds({ inputs }),
    outputs: outputs.map(({ name, value }) => ({ name, width: sizeOf(value.shape), place: places.get(storageOf(value))! })),
  };
}
