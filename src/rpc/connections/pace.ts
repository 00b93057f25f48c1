// Whoever breaks the rules of HTTP/2 is hung up on, and would be back within a millisecond: to begin a connection and to end
// one that misbehaves costs us more than him. So for a while the new connections of his address begin one after the
// other, at a pace that leaves us to those who behave. Those that his address has already are left alone.
import { createRecentMap } from "../../kernel/recent-map.ts";
import { addressPrefix } from "../address.ts";

export interface Pace {
  /** A connection of this address was ended for what it sent. */
  blame(address: string): void;
  /** Milliseconds until a new connection of this address may begin; undefined = too many wait for that already. */
  turn(address: string): number | undefined;
}

export interface PaceDeps {
  readonly monotonic: () => number;
  /** The longest that anybody is kept waiting. */
  readonly longestMs: number;
}

/** After the last blame. */
const blamedMs = 10_000;
/** What an attack costs us is some milliseconds each time it begins. */
const spacingMs = 200;
const mostAddresses = 10_000;

interface Blamed {
  until: number;
  next: number;
}

export function createPace({ monotonic, longestMs }: PaceDeps): Pace {
  const blamed = createRecentMap<Blamed>(mostAddresses);
  return {
    blame(address) {
      // Behind a Unix socket are many, and nothing tells them apart.
      if (address === "unix") return;
      const now = monotonic();
      const prefix = addressPrefix(address);
      const known = blamed.get(prefix);
      const next = Math.max(known?.next ?? 0, now + spacingMs);
      blamed.set(prefix, { until: now + blamedMs, next });
    },
    turn(address) {
      const known = blamed.get(addressPrefix(address));
      if (known === undefined) return 0;
      const now = monotonic();
      if (known.until <= now && known.next <= now) {
        blamed.delete(addressPrefix(address));
        return 0;
      }
      const wait = Math.max(0, known.next - now);
      if (wait > longestMs) return undefined;
      known.next = now + wait + spacingMs;
      return wait;
    },
  };
}
