// Answers that wait for their reader. Small ones are bounded by the number of streams; large ones are counted, and beyond
// the bounds of their connection or of the door no further one is begun.
import { GatehouseError } from "../../kernel/errors.ts";
import { type ConnectionBounds, smallAnswerBytes } from "./bounds.ts";
import type { Connection } from "./connection.ts";

const retryMs = 1_000;

/** Why an answer had no room. */
export function answersUnread(): GatehouseError {
  return new GatehouseError("ANSWERS_UNREAD", { retryAfterMs: retryMs });
}

export interface Unread {
  /** Counts an answer until what this answers is called, once; undefined = there is no room for it. */
  keep(connection: Pick<Connection, "unread">, bytes: number): (() => void) | undefined;
  readonly bytes: number;
}

const nothing = (): void => {};

export function createUnread(bounds: Pick<ConnectionBounds, "maxUnreadBytes" | "maxUnreadBytesOfAll">): Unread {
  let all = 0;

  /** One answer always has room, however large: it may be the only one that anybody asked for. */
  const full = (connection: Pick<Connection, "unread">, bytes: number): boolean =>
    connection.unread > 0 &&
    (connection.unread + bytes > bounds.maxUnreadBytes || all + bytes > bounds.maxUnreadBytesOfAll);

  return {
    keep(connection, bytes) {
      if (bytes <= smallAnswerBytes) return nothing;
      if (full(connection, bytes)) return undefined;
      connection.unread += bytes;
      all += bytes;
      return () => {
        connection.unread -= bytes;
        all -= bytes;
      };
    },
    get bytes() {
      return all;
    },
  };
}
