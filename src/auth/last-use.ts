// When a credential was last used: kept in memory and written now and then, so that no check of a credential writes.

export interface LastUse {
  /** Costs one entry of a map and writes nothing. */
  note(id: string, now: Date): void;
  /** Writes what is new; what cannot be written is tried again next time. */
  flush(): Promise<void>;
}

/** More than are used between two writes; beyond it a use goes unnoted. */
const capacity = 10_000;

export function createLastUse(write: (used: ReadonlyMap<string, Date>) => Promise<void>): LastUse {
  let pending = new Map<string, Date>();

  function keep(id: string, at: Date): void {
    if (pending.size < capacity || pending.has(id)) pending.set(id, at);
  }

  return {
    note: keep,
    async flush() {
      if (pending.size === 0) return;
      const taken = pending;
      pending = new Map();
      try {
        await write(taken);
      } catch (error) {
        for (const [id, at] of taken) if (!pending.has(id)) keep(id, at);
        throw error;
      }
    },
  };
}
