// The only way to write: effect, audit record and feed events in one transaction, or none of them.
import { randomInt } from "node:crypto";
import type { AuditDraft, AuditWriter } from "../kernel/audit.ts";
import type { FeedEvent, LoneWriter, Row, Statement, Transaction } from "../kernel/database.ts";
import type { UnitOfWork } from "../kernel/unit-of-work.ts";
import { isRetryable } from "./errors.ts";
import type { Pool } from "./pool.ts";
import { createCommitTogether } from "./shared-effects.ts";
import { type Closing, type Committed, runTransaction } from "./transaction.ts";

export interface UnitOfWorkDeps {
  readonly pool: Pool;
  readonly audit: AuditWriter;
  /** Told right after COMMIT, so that this process knows before its own look at the feed. Must not throw. */
  readonly onCommitted: (events: readonly FeedEvent[]) => void;
}

type Work<T> = (tx: Transaction) => Promise<T>;

const maxAttempts = 5;
const maxPauseMs = 20;

/** Runs the transaction again while Postgres undoes it for the sake of others; `again` prepares for that. */
async function retry<T>(attempt: () => Promise<T>, again: () => void): Promise<T> {
  for (let attempts = 1; ; attempts += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (attempts === maxAttempts || !isUndone(error)) throw error;
      again();
      await new Promise((resume) => setTimeout(resume, randomInt(maxPauseMs * attempts)));
    }
  }
}

function isUndone(error: unknown): boolean {
  return isRetryable(error) || (error instanceof Error && isRetryable(error.cause));
}

/** Remembers what work may change in the draft; the answer puts it back, so that a retry does not record things twice. */
function remember(draft: AuditDraft): () => void {
  const { event, category, outcome, reason, grpcCode, subjectId } = draft;
  const before = { event, category, outcome, reason, grpcCode, subjectId };
  const actor = { ...draft.actor };
  const personal = { ...draft.personal };
  const resources = [...draft.resources];
  const details = { ...draft.details };
  return () => {
    Object.assign(draft, before, {
      actor: { ...actor },
      personal: { ...personal },
      resources: [...resources],
      details: { ...details },
    });
  };
}

async function transact<T>(pool: Pool, work: Work<T>, closing: Closing, again: () => void) {
  return retry<Committed<T>>(() => pool.lend((client) => runTransaction(client, work, closing)), again);
}

export function createUnitOfWork({ pool, audit, onCommitted }: UnitOfWorkDeps): UnitOfWork {
  async function transactAndTell<T>(work: Work<T>, closing: Closing, again: () => void): Promise<T> {
    const { value, events } = await transact(pool, work, closing, again);
    if (events.length > 0) onCommitted(events);
    return value;
  }

  async function commit<T>(draft: AuditDraft, work: Work<T>): Promise<T> {
    const record = await audit.prepare(draft);
    return await transactAndTell(work, (tx) => audit.insert(tx, [record]), remember(draft));
  }

  return {
    commit,
    commitTogether: createCommitTogether(audit, (work, closing) => transactAndTell(work, closing, () => {})),
  };
}

/** BEGIN, the statement and COMMIT in one round trip. */
export function createLoneWriter(pool: Pool): LoneWriter {
  async function write<R extends Row>(statement: Statement, parameters: readonly unknown[]): Promise<R[]> {
    let rows: R[] = [];
    const closing: Closing = async (tx) => {
      rows = await tx.rows<R>(statement, parameters);
    };
    await transact(
      pool,
      async () => {},
      closing,
      () => {},
    );
    return rows;
  }
  return { write };
}
