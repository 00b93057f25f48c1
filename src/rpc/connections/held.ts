// Requests that have come in part. Nobody has asked yet who sends them, so what they may hold of our memory is bounded for
// each connection and for the door. The first piece of a request is free: streams times frames is little, and most
// requests are one piece.
import { GatehouseError } from "../../kernel/errors.ts";
import type { ConnectionBounds } from "./bounds.ts";
import type { Connection } from "./connection.ts";

/** What a piece costs beside its bytes: a request that comes byte by byte is mostly that. */
const pieceBytes = 256;

export interface Held {
  /** Counts a piece; what is counted in all for this request, or undefined when there is no room for it. */
  add(connection: Connection, counted: number, bytes: number): number | undefined;
  release(connection: Connection, counted: number): void;
}

/** Why a request had no room. */
export function noRoom(): GatehouseError {
  return new GatehouseError("CONNECTION_OVERLOADED", {
    message: "too many requests of this connection have come in part",
    retryAfterMs: 1_000,
  });
}

export function createHeld(bounds: Pick<ConnectionBounds, "maxHeldBytes" | "maxHeldBytesOfAll">): Held {
  let all = 0;
  return {
    add(connection, counted, bytes) {
      const more = bytes + pieceBytes;
      if (connection.held + more > bounds.maxHeldBytes || all + more > bounds.maxHeldBytesOfAll) return undefined;
      connection.held += more;
      all += more;
      return counted + more;
    },
    release(connection, counted) {
      connection.held -= counted;
      all -= counted;
    },
  };
}
