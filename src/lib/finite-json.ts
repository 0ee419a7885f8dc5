/** Numbers by name as JSON can carry them: a non-finite one is null, and its sibling `non_finite` says which it was. */
export interface FiniteNumbers {
  readonly [name: string]: number | null | Readonly<Record<string, NonFinite>>;
}

export type NonFinite = 'NaN' | 'Infinity' | '-Infinity';

/** JSON has no NaN: one that reached `JSON.stringify` would turn into a null nobody could explain. */
export function finiteNumbers(values: Readonly<Record<string, number>>): FiniteNumbers {
  const finite: Record<string, number | null> = {};
  const nonFinite: Record<string, NonFinite> = {};
  for (const [name, value] of Object.entries(values)) {
    finite[name] = Number.isFinite(value) ? value : null;
    if (!Number.isFinite(value)) nonFinite[name] = nameOf(value);
  }
  return Object.keys(nonFinite).length === 0 ? finite : { ...finite, non_finite: nonFinite };
}

function nameOf(value: number): NonFinite {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}
