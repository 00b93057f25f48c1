// One at a time per key within this process, in the order of asking; different keys do not wait for each other.

export interface Turns {
  /** Runs `work` when all that came before it under the same key have ended, however they ended. */
  take<T>(key: string, work: () => Promise<T>): Promise<T>;
}

export function createTurns(): Turns {
  const last = new Map<string, Promise<unknown>>();
  return {
    async take(key, work) {
      const before = last.get(key) ?? Promise.resolve();
      const mine = before.then(work, work);
      last.set(key, mine);
      try {
        return await mine;
      } finally {
        // Nobody came after: the key must not stay in memory.
        if (last.get(key) === mine) last.delete(key);
      }
    },
  };
}
