// The cache of data keys, by the AWS Encryption SDK's rules: a maximum age that must be set, a maximum of messages, a
// bound on entries, one load for many that wait. An old key lives on only while the key home is unreachable; a home
// that refuses ends it at once.
import { createHeldKeys, type HeldKey, type HeldKeysDeps } from "./held-keys.ts";
import { KeyHomeUnavailable } from "./ports.ts";

export interface DataKeyCacheDeps extends HeldKeysDeps {
  /** Told when a stale key begins to serve, at most once per `retryMs` and key. */
  readonly onStale: () => void;
}

export interface DataKeyCache {
  /**
   * Runs `work` with the key of `name`, loading it when it is not held. `work` must be synchronous and must not keep
   * the buffer: it is erased once its entry has left and its last user is done. At once when it is held. Passes on the errors
   * of `load`.
   */
  use<T>(name: string, load: () => Promise<Buffer>, work: (key: Buffer) => T): T | Promise<T>;
  /** Gives a key that is known already; the cache owns the buffer from here on. */
  put(name: string, key: Buffer): void;
  clear(): void;
}

interface Flight {
  waiting: number;
  readonly landed: Promise<HeldKey>;
}

export function createDataKeyCache(deps: DataKeyCacheDeps): DataKeyCache {
  const keys = createHeldKeys(deps);
  const flights = new Map<string, Flight>();

  /** In one step, so that nothing can evict the entry before all who wait are its users, and nobody waits uncounted. */
  function handOver(name: string, flight: Flight, held: HeldKey): HeldKey {
    flights.delete(name);
    keys.acquire(held, flight.waiting);
    keys.sweep();
    return held;
  }

  async function land(name: string, flight: Flight, load: () => Promise<Buffer>): Promise<HeldKey> {
    try {
      const key = await load();
      return handOver(name, flight, keys.put(name, key));
    } catch (error) {
      const stale = error instanceof KeyHomeUnavailable ? keys.stale(name) : undefined;
      if (stale !== undefined) {
        deps.onStale();
        return handOver(name, flight, stale);
      }
      flights.delete(name);
      keys.evict(name);
      throw error;
    }
  }

  function takeOff(name: string, load: () => Promise<Buffer>): Flight {
    // Lands no earlier than the next microtask, so that whoever starts the flight is counted as waiting.
    const landed = Promise.resolve().then(() => land(name, flight, load));
    const flight: Flight = { waiting: 0, landed };
    flights.set(name, flight);
    return flight;
  }

  function acquire(name: string, load: () => Promise<Buffer>): HeldKey | Promise<HeldKey> {
    keys.sweep();
    const held = keys.serving(name);
    if (held !== undefined) {
      keys.acquire(held, 1);
      return held;
    }
    const flight = flights.get(name) ?? takeOff(name, load);
    flight.waiting += 1;
    return flight.landed;
  }

  function workWith<T>(held: HeldKey, work: (key: Buffer) => T): T {
    try {
      return work(held.key);
    } finally {
      keys.release(held);
    }
  }

  return {
    use(name, load, work) {
      const held = acquire(name, load);
      return held instanceof Promise ? held.then((late) => workWith(late, work)) : workWith(held, work);
    },
    put(name, key) {
      keys.put(name, key);
      keys.sweep();
    },
    clear: () => keys.clear(),
  };
}
