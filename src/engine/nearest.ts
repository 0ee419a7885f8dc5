/** The candidate a user most likely meant by `word`, or undefined when none is close. */
export function nearest(word: string, candidates: Iterable<string>): string | undefined {
  const wanted = normalise(word);
  const candidateList = [...candidates];
  const spelledOut = candidateList.filter((candidate) => initialsOf(candidate) === wanted);
  if (spelledOut.length === 1) return spelledOut[0];
  let best: string | undefined;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (const candidate of candidateList) {
    const distance = distanceOf(wanted, normalise(candidate));
    if (distance < bestDistance) {
      best = candidate;
      bestDistance = distance;
    }
  }
  return bestDistance <= Math.max(1, Math.floor(wanted.length / 3)) ? best : undefined;
}

/** Longest word looked at: the distance costs the product of the lengths, and words come from outside. */
const LENGTH_MAX = 64;

/** `GlorotUniform`, `glorot-uniform` and `glorot_uniform` are the same word. */
function normalise(word: string): string {
  return word
    .slice(0, LENGTH_MAX)
    .toLowerCase()
    .replaceAll(/[\s_-]/g, '');
}

/** `mse` for `mean_squared_error`, `lr` for `learning_rate`. A word of one part has no initials. */
function initialsOf(candidate: string): string | undefined {
  const parts = candidate.split('_');
  return parts.length > 1 ? parts.map((part) => part.charAt(0)).join('') : undefined;
}

/** Insertions, deletions, substitutions and swaps of neighbours (optimal string alignment); a truncated word counts as one slip. */
function distanceOf(a: string, b: string): number {
  if (a.length >= 3 && b.startsWith(a)) return Math.min(1, b.length - a.length);
  let beforePrevious: number[] = [];
  let previous = Array.from({ length: b.length + 1 }, (_, j) => j);
  for (let i = 1; i <= a.length; i += 1) {
    const current = [i];
    for (let j = 1; j <= b.length; j += 1) {
      const substituted = previous[j - 1]! + Number(a[i - 1] !== b[j - 1]);
      current[j] = Math.min(previous[j]! + 1, current[j - 1]! + 1, substituted);
      if (a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]) current[j] = Math.min(current[j]!, (beforePrevious[j - 2] ?? a.length) + 1);
    }
    beforePrevious = previous;
    previous = current;
  }
  return previous[b.length]!;
}
