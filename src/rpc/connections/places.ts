// How many connections there may be, in all and from one address: counted from the first byte on, before any handshake.
import { addressPrefix } from "../address.ts";
import type { ConnectionBounds } from "./bounds.ts";
import { createPace, type Pace } from "./pace.ts";

export type Refusal = "full" | "address_full";

export interface Places {
  /** Answers how to give the place back, which works once; or why there is none. `unix` is no address. */
  take(address: string): (() => void) | Refusal;
  readonly taken: number;
  /** When a connection that has a place may begin. */
  readonly pace: Pace;
}

export function createPlaces(
  bounds: Pick<ConnectionBounds, "maxConnections" | "maxConnectionsPerAddress" | "handshakeMs">,
): Places {
  const byPrefix = new Map<string, number>();
  let taken = 0;

  function leave(prefix: string): void {
    taken -= 1;
    const left = (byPrefix.get(prefix) ?? 1) - 1;
    if (left === 0) byPrefix.delete(prefix);
    else byPrefix.set(prefix, left);
  }

  return {
    take(address) {
      if (taken >= bounds.maxConnections) return "full";
      const prefix = addressPrefix(address);
      const before = byPrefix.get(prefix) ?? 0;
      if (address !== "unix" && before >= bounds.maxConnectionsPerAddress) return "address_full";
      taken += 1;
      byPrefix.set(prefix, before + 1);
      let left = false;
      return () => {
        if (left) return;
        left = true;
        leave(prefix);
      };
    },
    pace: createPace({ monotonic: () => performance.now(), longestMs: bounds.handshakeMs }),
    get taken() {
      return taken;
    },
  };
}
