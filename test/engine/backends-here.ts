import { hasAddon } from '../native/native-addon.ts';

/** The backends that are held to the reference: without a C compiler there is no native one. */
export const FAST_BACKENDS = [...(hasAddon() ? (['native'] as const) : []), 'wasm' as const] as const;

/** Every backend there is here. */
export const BACKENDS = ['reference', ...FAST_BACKENDS] as const;
