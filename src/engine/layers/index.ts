import { activation } from './activation.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { flatten } from './flatten.ts';
import type { LayerDefinition } from './layer.ts';
import { reshape } from './reshape.ts';

/** Every layer by the type specs use. */
export const LAYERS = { dense, activation, dropout, flatten, reshape } as const satisfies Record<string, LayerDefinition>;

export type LayerType = keyof typeof LAYERS;

/** The layer of a type that comes from outside, or undefined. */
export function layerOf(type: unknown): LayerDefinition | undefined {
  return typeof type === 'string' && isLayerType(type) ? LAYERS[type] : undefined;
}

function isLayerType(type: string): type is LayerType {
  return Object.hasOwn(LAYERS, type);
}
