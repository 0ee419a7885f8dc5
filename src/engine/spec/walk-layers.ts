import type { Fault } from '../faults.ts';
import { faultsBelow } from '../faults.ts';
import { GraphBuilder, type Value } from '../graph/graph.ts';
import type { WeightDefinition } from '../layers/layer.ts';
import { isFault } from '../layers/layer.ts';
import { nodeFlops } from '../ops/calls.ts';
import type { Shape } from '../shape.ts';
import { sizeOf } from '../shape.ts';
import { addLayer } from './build-graph.ts';
import type { CheckedLayer } from './check-layer.ts';
import { type SizeTally, tallyLayer } from './check-limits.ts';
import type { LayerReport, SpecLimits } from './model-spec.ts';

/** A layer with everything that could be worked out about it. */
export interface WalkedLayer extends CheckedLayer {
  readonly index: number;
  readonly resolvedName: string;
  /** Null where an earlier fault leaves the shape unknown. */
  readonly inputShape: Shape | null;
  readonly outputShape: Shape | null;
  readonly weights: readonly WeightDefinition[];
  readonly report: LayerReport | null;
}

export interface Walk {
  readonly layers: readonly WalkedLayer[];
  readonly faults: readonly Fault[];
  readonly totalParams: number;
}

interface WalkRequest {
  readonly layers: readonly CheckedLayer[];
  readonly names: readonly string[];
  readonly inputShape: Shape | null;
  readonly limits: SpecLimits;
}

/**
 * Carries the shape from layer to layer, as far as it is known, and counts weights and operations. Only shapes are computed:
 * whatever sizes a spec asks for, nothing is allocated; a layer that passes a limit ends the walk.
 */
export function walkLayers({ layers, names, inputShape, limits }: WalkRequest): Walk {
  const graph = new GraphBuilder('inference');
  const faults: Fault[] = [];
  const walked: WalkedLayer[] = [];
  let tally: SizeTally = { params: 0, weights: 0 };
  let value = inputShape && graph.input('input', inputShape);
  for (const [index, layer] of layers.entries()) {
    const input: Value | null = value;
    const resolvedName = names[index]!;
    const unknown = { ...layer, index, resolvedName, inputShape: input?.shape ?? null, outputShape: null, weights: [], report: null };
    value = null;
    if (!input || !layer.known) {
      walked.push(unknown);
      continue;
    }
    const { definition, options } = layer.known;
    const outputShape = definition.outputShape(options, [input.shape]);
    if (isFault(outputShape)) {
      faults.push(...faultsBelow(layer.pointer, [outputShape]));
      walked.push(unknown);
      continue;
    }
    const weights = definition.weights(options, [input.shape]);
    const sized = tallyLayer(tally, { pointer: layer.pointer, weights, outputShape, limits });
    if (sized.fault) {
      faults.push(sized.fault);
      walked.push({ ...unknown, outputShape, weights });
      continue;
    }
    const firstNode = graph.nodes.length;
    value = addLayer(graph, { definition, options, name: resolvedName, input, weightsBefore: tally.weights }).output;
    const report = {
      name: resolvedName,
      type: definition.type,
      output_shape: outputShape,
      params: weights.reduce((sum, weight) => sum + sizeOf(weight.shape), 0),
      flops: graph.nodes.slice(firstNode).reduce((sum, node) => sum + nodeFlops(node), 0),
    };
    tally = sized.tally;
    walked.push({ ...unknown, outputShape, weights, report });
  }
  return { layers: walked, faults, totalParams: tally.params };
}
