import type { Shape } from '../shape.ts';
import { type OutputEnd, outputEnd } from './check-target.ts';
import type { Walk, WalkedLayer } from './walk-layers.ts';
import type { Source, Wiring } from './wiring.ts';

/** One output of the network with the layers that lead straight to it. */
export interface NetworkEnd {
  readonly name: string;
  /** The last layers in order, back to where branches meet or the network begins. */
  readonly chain: readonly WalkedLayer[];
  /** Null when a layer at the end could not be made out. */
  readonly end: OutputEnd | null;
  readonly shape: Shape | null;
}

export function networkEnds({ layers, outputShapes }: Walk, wiring: Wiring): NetworkEnd[] {
  return wiring.outputs.map((source, i) => {
    const chain = source ? chainTo(source, layers, wiring) : [];
    const shape = outputShapes[i] ?? null;
    return { name: chain.at(-1)?.resolvedName ?? '', chain, end: outputEnd(chain), shape };
  });
}

/** Back along layers of one input each that are used once. */
function chainTo(output: Source, layers: readonly WalkedLayer[], { uses }: Wiring): WalkedLayer[] {
  const chain: WalkedLayer[] = [];
  let source: Source | null = output;
  while (source?.from === 'layer' && !chain.includes(layers[source.index]!)) {
    chain.unshift(layers[source.index]!);
    const calls: readonly (readonly (Source | null)[])[] = uses[source.index]!;
    source = calls.length === 1 && calls[0]!.length === 1 ? calls[0]![0]! : null;
  }
  return chain;
}
