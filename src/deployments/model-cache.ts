/** Something loaded that weighs `bytes` in memory. */
export interface Sized {
  readonly bytes: number;
}

export interface ModelCache<Loaded extends Sized> {
  /** The loaded value of `key`, loading it if needed. Callers at the same time share one load. */
  get(key: string, load: () => Promise<Loaded>): Promise<Loaded>;
}

/** Keeps what was used last within `bytesMax`; a failed load is not kept. The newest stays even if it is larger than all. */
export function createModelCache<Loaded extends Sized>({ bytesMax }: { bytesMax: number }): ModelCache<Loaded> {
  // A Map iterates in order of insertion: the first key is the one not used for longest.
  const entries = new Map<string, { value: Promise<Loaded>; bytes: number }>();

  function evict(): void {
    let total = [...entries.values()].reduce((sum, { bytes }) => sum + bytes, 0);
    for (const [key, { bytes }] of entries) {
      if (total <= bytesMax || entries.size === 1) return;
      entries.delete(key);
      total -= bytes;
    }
  }

  return {
    get(key, load) {
      const known = entries.get(key);
      const entry = known ?? { value: load(), bytes: 0 };
      entries.delete(key);
      entries.set(key, entry);
      if (known === undefined) {
        entry.value.then(
          (loaded) => {
            entry.bytes = loaded.bytes;
            evict();
          },
          () => entries.delete(key),
        );
      }
      return entry.value;
    },
  };
}
