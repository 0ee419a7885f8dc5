/*
 * The whole state of a training run between two epochs, as a safetensors file. Blocks are the arena's own bytes (padding
 * included) and counters are float64, so what is read back is what was there, bit by bit. Random numbers need no state.
 */

import { type Block, type WeightsLayout, weightsBlock } from '../plan/weights-layout.ts';
import type { PlateauState } from '../schedules/schedule.ts';
import { type Shape, sizeOf } from '../shape.ts';
import type { ByteSpan, OpenTensorFile, ReadableFile, StoredTensor } from '../weights/safetensors.ts';
import { openSafetensors, safetensorsHead, safetensorsPieces } from '../weights/safetensors.ts';
import type { TrackedEpochs } from './epoch-tracker.ts';
import type { WeightsMemory } from './weights-memory.ts';

const FORMAT = 'alma-state-2';
/** Positions in the list of progress. */
const PLATEAU_AT = 5;
const OUTCOME_AT = 9;
const LEARNING_RATE_AT = 10;
const OUTCOMES: readonly PerceptronState['outcome'][] = ['learning', 'separated', 'cycle'];

/** Where a run stands. */
export interface RunState {
  /** Epochs and updates done. */
  readonly epoch: number;
  readonly step: number;
  /** Of the optimizer, before a schedule. */
  readonly learningRate: number;
  readonly tracked: TrackedEpochs;
  /** Weights of the best epoch (trainable block, then the others): a training that is stopped ends with them. */
  readonly bestWeights: Float32Array | null;
  /** What a schedule that looks at results has seen. */
  readonly plateau: PlateauState | null;
  readonly perceptron: PerceptronState | null;
}

/** What Rosenblatt's rule has come to. */
export interface PerceptronState {
  /** `separated`: an epoch without an error. `cycle`: the weights have been the same before, so they will never be right. */
  readonly outcome: 'learning' | 'separated' | 'cycle';
  /** Weights of an earlier epoch, to see a cycle by. */
  readonly earlier: Float32Array | null;
}

/** Everything of the arena that must survive: weights and slots. Gradients and activations are made anew in every step. */
function stateBlocks({ trainable, others, slots }: WeightsLayout): readonly Block[] {
  return [trainable, others, ...slots];
}

/** Texts a request attaches to its states, by name. */
export type StateTexts = Readonly<Record<string, string>>;

/** The file's bytes, piece by piece. They are those of the arena itself: what it holds when they are read. */
export function encodeState(state: RunState, memory: WeightsMemory, texts: StateTexts = {}): Uint8Array[] {
  const { layout, arena } = memory;
  const { best, wait } = state.tracked;
  const { plateau, perceptron } = state;
  const progress = Float64Array.of(
    ...[state.epoch, state.step, wait, best?.epoch ?? 0, best?.value ?? Number.NaN],
    ...(plateau ? [plateau.rate, plateau.best, plateau.wait, plateau.cooldown] : [0, Number.NaN, 0, 0]),
    perceptron ? OUTCOMES.indexOf(perceptron.outcome) : -1,
    state.learningRate,
  );
  const blocks = stateBlocks(layout).map((block, i) => tensor(`block/${i}`, viewOfBlock(block, arena)));
  const kept = [
    // After its best epoch the weights are these.
    ...(state.bestWeights && best?.epoch !== state.epoch ? [tensor('best', state.bestWeights)] : []),
    ...(perceptron?.earlier ? [tensor('earlier', perceptron.earlier)] : []),
  ];
  return safetensorsPieces([tensor('progress', progress), ...blocks, ...kept], {
    format: FORMAT,
    best_metric: best?.metric ?? '',
    weights: JSON.stringify(weightPlaces(memory)),
    texts: JSON.stringify(texts),
  });
}

/** Where in the blocks a weight is, so that it can be read without the plan that laid the blocks out. */
interface WeightPlace {
  readonly name: string;
  readonly shape: Shape;
  readonly block: number;
  /** In numbers. */
  readonly from: number;
}

function weightPlaces({ weights, layout }: WeightsMemory): WeightPlace[] {
  return weights.map(({ name, shape }, i) => {
    const { byteOffset } = layout.weights[i]!;
    const block = byteOffset < layout.others.byteOffset ? 0 : 1;
    const start = block === 0 ? layout.trainable.byteOffset : layout.others.byteOffset;
    return { name, shape, block, from: (byteOffset - start) / Float32Array.BYTES_PER_ELEMENT };
  });
}

/** A file of weights that is put together from a state: its head, then these parts of the state. */
export interface WeightsInState {
  readonly head: Uint8Array;
  readonly spans: readonly ByteSpan[];
}

/** The weights in a state, in spec order, with the texts that were attached to it. Of the state only its head is read. */
export function weightsOfState(stored: ReadableFile): WeightsInState {
  const file = openState(stored);
  const places: readonly WeightPlace[] = JSON.parse(file.metadata['weights'] ?? '[]');
  const spans = places.map(({ shape, block, from }): ByteSpan => {
    const span = file.spanOf(`block/${block}`);
    if (span === undefined) throw new Error(`The state lacks block ${block}`);
    return { at: span.at + from * Float32Array.BYTES_PER_ELEMENT, bytes: sizeOf(shape) * Float32Array.BYTES_PER_ELEMENT };
  });
  const heads = places.map(({ name, shape }) => ({ name, shape, dtype: 'F32' }) as const);
  return { head: safetensorsHead(heads, JSON.parse(file.metadata['texts'] ?? '{}')), spans };
}

function openState(stored: ReadableFile): OpenTensorFile {
  const file = openSafetensors(stored);
  if (file.metadata['format'] !== FORMAT) throw new Error(`A state has the format ${FORMAT}, received ${file.metadata['format']}`);
  return file;
}

/** Brings the arena back to what it was and tells where the run stood. Throws when the state belongs to another network. */
export function restoreState(stored: ReadableFile, { layout, arena }: WeightsMemory): RunState {
  const file = openState(stored);
  stateBlocks(layout).forEach((block, i) => {
    if (!file.readInto(`block/${i}`, viewOfBlock(block, arena))) throw new Error('The state belongs to another network');
  });
  const progress = file.read('progress')?.data ?? [];
  const [epoch = 0, step = 0, wait = 0, bestEpoch = 0, value = Number.NaN] = progress;
  const [rate = 0, plateauBest = Number.NaN, plateauWait = 0, cooldown = 0] = progress.slice(PLATEAU_AT);
  const learningRate = progress[LEARNING_RATE_AT] ?? Number.NaN;
  const outcome = OUTCOMES[progress[OUTCOME_AT] ?? -1];
  const earlier = file.read('earlier')?.data;
  const bestWeights = bestEpoch === epoch ? viewOfBlock(weightsBlock(layout), arena).slice() : file.read('best')?.data;
  return {
    epoch,
    step,
    learningRate,
    tracked: { best: bestEpoch > 0 ? { epoch: bestEpoch, metric: file.metadata['best_metric'] ?? '', value } : null, wait },
    bestWeights: bestWeights instanceof Float32Array ? bestWeights : null,
    plateau: rate > 0 ? { rate, best: plateauBest, wait: plateauWait, cooldown } : null,
    perceptron: outcome ? { outcome, earlier: earlier instanceof Float32Array ? earlier : null } : null,
  };
}

/** The numbers of a block. */
export function viewOfBlock({ byteOffset, bytes }: Block, arena: ArrayBuffer): Float32Array {
  return new Float32Array(arena, byteOffset, bytes / Float32Array.BYTES_PER_ELEMENT);
}

function tensor(name: string, data: Float32Array | Float64Array): StoredTensor {
  return { name, shape: [data.length], data };
}
