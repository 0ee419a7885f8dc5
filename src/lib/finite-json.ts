/** Numbers by name as JSON can carry them: a non-finite one is null, and its sibling `non_finite` says which it was. */
export interface FiniteNumbers {
  readonly [name: string]: number | null | Readonly<Record<string, NonFinite>>;
}

export type NonFinite = 'NaN' | 'Infinity' | '-Infinity';

/** JSON has no NaN: one that reached `JSON.stringify` would turn into a null nobody could explain. */
export function finiteNumbers(values: Readonly<Record<string, number>>): FiniteNumbers {
  // Built from entries: the name of a class can be `__proto__`, which no assignment would set.
  const entries = Object.entries(values);
  const finite = Object.fromEntries(entries.map(([name, value]) => [name, Number.isFinite(value) ? value : null]));
  const nonFinite = entries.filter(([, value]) => !Number.isFinite(value)).map(([name, value]) => [name, nameOf(value)] as const);
  return nonFinite.length === 0 ? finite : { ...finite, non_finite: Object.fromEntries(nonFinite) };
}

/** Results of a training as JSON: its numbers, and the tables of numbers beside them under their own names. */
export function finiteResults(
  numbers: Readonly<Record<string, number>>,
  matrices: Readonly<Record<string, readonly (readonly number[])[]>> = {},
): FiniteResults {
  return { ...finiteNumbers(numbers), ...matrices };
}

export interface FiniteResults {
  readonly [name: string]: FiniteNumbers[string] | readonly (readonly number[])[];
}

function nameOf(value: number): NonFinite {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}
