import { ACTIVATION_OPS } from './activations.ts';
import { dense } from './dense.ts';
import { dropout } from './dropout.ts';
import { LOSS_OPS } from './losses.ts';
import type { Op, KernelDefinition } from './op.ts';
import type { OpName } from './op-attributes.ts';
import { reshape } from './reshape.ts';

/** Every op by name. The type asks for all of them. */
export const OPS: { readonly [K in OpName]: Op<K> } = { dense, dropout, reshape, ...ACTIVATION_OPS, ...LOSS_OPS };
