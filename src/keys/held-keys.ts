// Data keys in memory with the time and the number of their uses: bounded, and erased when they leave and their last
// user is done. Who may be served what is here; how keys come is data-key-cache.ts.
import type { Clock } from "../kernel/clock.ts";

export interface HeldKeysDeps {
  readonly clock: Clock;
  /** After this the home is asked again. */
  readonly maxAgeMs: number;
  /** How much longer a key may serve while the home is unreachable; 0 = not at all. */
  readonly maxStaleMs: number;
  /** How long a stale key serves before the unreachable home is tried again. */
  readonly retryMs: number;
  /** Uses of a key between two loads; a bound on what one permission from the home is good for. */
  readonly maxMessages: number;
  readonly maxEntries: number;
}

export interface HeldKey {
  readonly key: Buffer;
  readonly loadedAt: number;
  messages: number;
  users: number;
  retryAt: number;
  gone: boolean;
}

export interface HeldKeys {
  /** Undefined when the home has to be asked. */
  serving(name: string): HeldKey | undefined;
  /** For when the home is unreachable: the old key, good for another `retryMs`; undefined when it may not serve. */
  stale(name: string): HeldKey | undefined;
  put(name: string, key: Buffer): HeldKey;
  acquire(held: HeldKey, users: number): void;
  release(held: HeldKey): void;
  evict(name: string): void;
  /** Lets go of what is too old or too many. After `acquire`, so that what was just put is not erased unused. */
  sweep(): void;
  clear(): void;
}

function eraseIfUnused(held: HeldKey): void {
  if (held.gone && held.users === 0) held.key.fill(0);
}

export function createHeldKeys(deps: HeldKeysDeps): HeldKeys {
  // In order of loading, which with one age for all is the order of expiry.
  const entries = new Map<string, HeldKey>();
  const lifetime = deps.maxAgeMs + deps.maxStaleMs;
  const now = () => deps.clock.now().getTime();

  function evict(name: string): void {
    const held = entries.get(name);
    if (held === undefined) return;
    entries.delete(name);
    held.gone = true;
    eraseIfUnused(held);
  }

  function alive(held: HeldKey | undefined, at: number): held is HeldKey {
    // A clock set back makes the age unknowable.
    return (
      held !== undefined && held.messages < deps.maxMessages && at >= held.loadedAt && at - held.loadedAt < lifetime
    );
  }

  return {
    serving(name) {
      const held = entries.get(name);
      const at = now();
      return alive(held, at) && (at - held.loadedAt < deps.maxAgeMs || at < held.retryAt) ? held : undefined;
    },
    stale(name) {
      const held = entries.get(name);
      const at = now();
      if (!alive(held, at)) return undefined;
      held.retryAt = at + deps.retryMs;
      return held;
    },
    put(name, key) {
      evict(name);
      const held = { key, loadedAt: now(), messages: 0, users: 0, retryAt: 0, gone: false };
      entries.set(name, held);
      return held;
    },
    acquire(held, users) {
      held.users += users;
      held.messages += users;
    },
    release(held) {
      held.users -= 1;
      eraseIfUnused(held);
    },
    evict,
    sweep() {
      const at = now();
      for (const [name, held] of entries) {
        if (at - held.loadedAt < lifetime && entries.size <= deps.maxEntries) return;
        evict(name);
      }
    },
    clear() {
      for (const name of [...entries.keys()]) evict(name);
    },
  };
}
