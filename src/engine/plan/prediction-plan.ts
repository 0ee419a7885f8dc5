import type { BufferRef, Program } from '../backends/backend.ts';
import { GraphBuilder } from '../graph/graph.ts';
import { liveNodes } from '../graph/live-nodes.ts';
import { storageOf } from '../graph/value.ts';
import { forwardCalls } from '../ops/calls.ts';
import { sizeOf } from '../shape.ts';
import type { NetworkWeight } from '../spec/build-graph.ts';
import { buildNetwork } from '../spec/build-graph.ts';
import type { ModelSpec } from '../spec/model-spec.ts';
import { placeValues } from './placement.ts';
import { assembleProgram } from './program.ts';
import { FEEDS, gatherCall } from './training-plan.ts';
import type { WeightsLayout } from './weights-layout.ts';
import { layOutWeights } from './weights-layout.ts';

/** A network that only predicts. */
export interface PredictionPlan {
  readonly program: Program;
  readonly weights: readonly NetworkWeight[];
  readonly layout: WeightsLayout;
  /** Where a batch's predictions lie after a step. */
  readonly output: BufferRef;
  readonly inputWidth: number;
  readonly outputWidth: number;
}

export function planPrediction({ spec, batchSize }: { readonly spec: ModelSpec; readonly batchSize: number }): PredictionPlan {
  const graph = new GraphBuilder('inference');
  const { input, output, weights } = buildNetwork(spec, graph);
  const layout = layOutWeights(weights, { realBytes: 4, slots: null });
  const calls = [gatherCall(input, FEEDS.features, 'gather'), ...liveNodes(graph, [output]).flatMap((node) => forwardCalls(node))];
  const { places, to } = placeValues({
    calls,
    homes: new Map(weights.map(({ value }, i) => [value, layout.weights[i]!])),
    kept: [output],
    from: layout.to,
    batchSize,
    realBytes: 4,
  });
  return {
    program: assembleProgram(calls, places, { arenaBytes: to, batchSize }),
    weights,
    layout,
    output: places.get(storageOf(output))!,
    inputWidth: sizeOf(input.shape),
    outputWidth: sizeOf(output.shape),
  };
}
