// One page of the feed as the database has it.
import type { FeedEvent, Reader, Row } from "../kernel/database.ts";
import type { NumberedEvent } from "./feed-memory.ts";
import { tailStatement } from "./feed-statements.ts";

interface TailRow extends Row {
  readonly head: number;
  readonly number: number | null;
  readonly kind: FeedEvent["kind"];
  readonly key: string;
  readonly expires_at: Date;
}

export interface RawPage {
  /** Number of the newest event. */
  readonly head: number;
  readonly events: readonly NumberedEvent[];
  /** True when there may be more. */
  readonly full: boolean;
}

const pageSize = 1_000;

/** Live events after a number. Errors: DATABASE_UNAVAILABLE. */
export async function readFeedPage(reader: Reader, after: number, now: Date): Promise<RawPage> {
  const rows = await reader.rows<TailRow>(tailStatement, [after, now.toISOString(), pageSize]);
  const events = rows.flatMap(({ number, kind, key, expires_at: expiresAt }) =>
    number === null ? [] : { number, event: { kind, key, expiresAt } },
  );
  return { head: rows[0]?.head ?? 0, events, full: events.length === pageSize };
}
