// A map that keeps what was used lately and forgets the rest: two generations, so that a hit costs one look-up and
// nothing is moved but what survives a turn-over.

export interface RecentMap<V> {
  get(key: string): V | undefined;
  set(key: string, value: V): void;
  delete(key: string): void;
  /** Forgets every value that `gone` says so of. */
  sweep(gone: (value: V) => boolean): void;
  readonly size: number;
}

/** Holds at least `capacity / 2` of the values that were used last, and never more than `capacity`. */
export function createRecentMap<V>(capacity: number): RecentMap<V> {
  let young = new Map<string, V>();
  let old = new Map<string, V>();

  function set(key: string, value: V): void {
    if (young.size >= capacity / 2 && !young.has(key)) {
      old = young;
      young = new Map();
    }
    old.delete(key);
    young.set(key, value);
  }

  return {
    get(key) {
      const value = young.get(key);
      if (value !== undefined) return value;
      const survivor = old.get(key);
      if (survivor !== undefined) set(key, survivor);
      return survivor;
    },
    set,
    delete(key) {
      young.delete(key);
      old.delete(key);
    },
    sweep(gone) {
      for (const map of [young, old]) for (const [key, value] of map) if (gone(value)) map.delete(key);
    },
    get size() {
      return young.size + old.size;
    },
  };
}
