import { normal } from '../random.ts';
import type { InitializerDefinition } from './initializer.ts';

/**
 * Orthonormal columns (rows when the matrix is wider than tall), uniformly distributed over all such matrices: QR of a normal
 * matrix with R's diagonal positive. Gram-Schmidt leaves that diagonal positive by construction; every column is
 * orthogonalised twice, after which the columns are orthogonal to rounding (Giraud, Langou and Rozložník 2005).
 */
export const orthogonal: InitializerDefinition = {
  summary: 'A random orthogonal matrix over all leading axes by the last one.',
  source: 'https://arxiv.org/abs/1312.6120',
  fill(values, shape, nextWord) {
    const columns = shape[shape.length - 1] ?? 1;
    const rows = values.length / columns;
    const length = Math.max(rows, columns);
    const vectors = orthonormalVectors(Math.min(rows, columns), length, nextWord);
    for (let row = 0; row < rows; row += 1) {
      for (let column = 0; column < columns; column += 1) {
        const entry = rows >= columns ? vectors[column]![row]! : vectors[row]![column]!;
        values[row * columns + column] = entry;
      }
    }
  },
};

function orthonormalVectors(count: number, length: number, nextWord: () => number): Float64Array[] {
  const vectors: Float64Array[] = [];
  while (vectors.length < count) {
    const vector = Float64Array.from({ length }, () => normal(nextWord));
    for (let pass = 0; pass < 2; pass += 1) {
      for (const other of vectors) subtractProjection(vector, other);
    }
    const norm = Math.sqrt(dot(vector, vector));
    vectors.push(vector.map((entry) => entry / norm));
  }
  return vectors;
}

function subtractProjection(vector: Float64Array, unit: Float64Array): void {
  const along = dot(vector, unit);
  for (let i = 0; i < vector.length; i += 1) vector[i]! -= along * unit[i]!;
}

function dot(a: Float64Array, b: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < a.length; i += 1) sum += a[i]! * b[i]!;
  return sum;
}
