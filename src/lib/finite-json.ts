/** Names of the numbers JSON does not know. */
export type NonFinite = 'NaN' | 'Infinity' | '-Infinity';

/**
 * A record of numbers as it is stored and answered: a non-finite value becomes null, and `non_finite` beside it says which
 * it was. JSON.stringify alone would turn it into a null that looks like an absent value.
 */
export function finiteJson(values: Readonly<Record<string, number>>): Record<string, unknown> {
  const result: Record<string, unknown> = {};
  const nonFinite: Record<string, NonFinite> = {};
  for (const [name, value] of Object.entries(values)) {
    if (Number.isFinite(value)) {
      result[name] = value;
    } else {
      result[name] = null;
      nonFinite[name] = nameOf(value);
    }
  }
  if (Object.keys(nonFinite).length > 0) result['non_finite'] = nonFinite;
  return result;
}

function nameOf(value: number): NonFinite {
  if (Number.isNaN(value)) return 'NaN';
  return value > 0 ? 'Infinity' : '-Infinity';
}
