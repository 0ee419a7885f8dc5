/** The shortest list found by leaving parts out that still fails; halves first, then ever smaller parts. */
export function shrink<T>(list: readonly T[], fails: (list: readonly T[]) => boolean): readonly T[] {
  let shortest = list;
  for (let size = Math.ceil(shortest.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
    for (let at = 0; at < shortest.length; ) {
      const shorter = [...shortest.slice(0, at), ...shortest.slice(at + size)];
      if (fails(shorter)) shortest = shorter;
      else at += size;
    }
  }
  return shortest;
}
