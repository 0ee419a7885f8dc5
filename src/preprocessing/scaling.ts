import type { FeatureTransform } from './preprocessing.ts';

/** The encoded value is (value - offset) / scale. */
export function scaling({ encode, mean, std, min, max }: FeatureTransform): { offset: number; scale: number } {
  switch (encode) {
    case 'standardize':
      return { offset: mean ?? 0, scale: std ?? 1 };
    case 'minmax': {
      const range = (max ?? 0) - (min ?? 0);
      return { offset: min ?? 0, scale: range > 0 ? range : 1 };
    }
    case 'none':
    case 'one_hot':
    case 'index':
      return { offset: 0, scale: 1 };
    default:
      return encode satisfies never;
  }
}
