import { EPSILON } from './binary-cross-entropy.ts';
import { type LossOp, type LossOpName, lossOp } from './loss-op.ts';

/** A loss that is the mean over the vector of a function of single elements. */
interface MeanLoss<K extends LossOpName> extends Pick<LossOp<K>, 'name' | 'source' | 'flopsPerElement' | 'scalars'> {
  readonly formula: string;
  readonly slopeFormula: string;
  term(p: number, y: number, scalars: readonly number[]): number;
  /** Derivative of the term by p. */
  slope(p: number, y: number, scalars: readonly number[]): number;
}

export const meanAbsoluteError = meanLoss({
  name: 'mean_absolute_error',
  formula: '|p - y|',
  slopeFormula: 'sign(p - y)',
  flopsPerElement: 2,
  term: (p, y) => Math.abs(p - y),
  slope: (p, y) => Math.sign(p - y),
});

export const huber = meanLoss({
  name: 'huber',
  source: 'https://doi.org/10.1214/aoms/1177703732',
  formula: 'e = p - y: |e| <= delta ? e^2 / 2 : delta |e| - delta^2 / 2',
  slopeFormula: 'clamp(p - y, -delta, delta)',
  flopsPerElement: 5,
  scalars: { names: ['delta'], of: ({ delta }) => [delta] },
  term(p, y, [delta]) {
    const distance = Math.abs(p - y);
    return distance <= delta! ? distance ** 2 / 2 : delta! * distance - delta! ** 2 / 2;
  },
  slope: (p, y, [delta]) => Math.min(Math.max(p - y, -delta!), delta!),
});

export const logCosh = meanLoss({
  name: 'log_cosh',
  formula: 'log(cosh(p - y)) = |e| + log1p(exp(-2|e|)) - log 2',
  slopeFormula: 'tanh(p - y)',
  flopsPerElement: 8,
  term(p, y) {
    const distance = Math.abs(p - y);
    return distance + Math.log1p(Math.exp(-2 * distance)) - Math.LN2;
  },
  slope: (p, y) => Math.tanh(p - y),
});

export const hinge = meanLoss({
  name: 'hinge',
  source: 'https://doi.org/10.1007/BF00994018',
  formula: 'max(0, 1 - y p)',
  slopeFormula: 'y p < 1 ? -y : 0',
  flopsPerElement: 3,
  term: (p, y) => Math.max(1 - y * p, 0),
  slope: (p, y) => (y * p < 1 ? -y : 0),
});

export const poisson = meanLoss({
  name: 'poisson',
  formula: 'p - y log(p + 1e-7)',
  slopeFormula: '1 - y / (p + 1e-7)',
  flopsPerElement: 4,
  term: (p, y) => p - y * Math.log(p + EPSILON),
  slope: (p, y) => 1 - y / (p + EPSILON),
});

function meanLoss<K extends LossOpName>({ formula, slopeFormula, term, slope, ...loss }: MeanLoss<K>) {
  return lossOp({
    ...loss,
    input: 'prediction',
    target: 'same',
    formula: `loss[i] = sum over j of t(p[i,j], y[i,j]) / n, t = ${formula}`,
    gradFormula: `dp[i,j] = s(p[i,j], y[i,j]) / (n m), s = ${slopeFormula}`,
    run([p, y, perVector], [m, n], scalars) {
      for (let i = 0; i < m!; i += 1) {
        let sum = 0;
        for (let j = i * n!; j < (i + 1) * n!; j += 1) sum += term(p![j]!, y![j]!, scalars);
        perVector![i] = sum / n!;
      }
    },
    runGrad([p, y, dp], [m, n], scalars) {
      for (let j = 0; j < m! * n!; j += 1) dp![j] = slope(p![j]!, y![j]!, scalars) / (m! * n!);
    },
  });
}
