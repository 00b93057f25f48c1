// Stores records that have no effect to commit with: what arrives together is committed together, and nobody waits for
// a timer. A caller whose record cannot be stored is told so in bounded time and must not let its answer leave.
import { type AuditDraft, type AuditRecorder, mostRecordsTogether } from "../../kernel/audit.ts";
import type { LoneWriter } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import { createGrouping, type Grouping } from "../../kernel/grouping.ts";
import type { Encoder } from "./encoder.ts";
import { type AuditRow, insertEvents } from "./store.ts";

export interface RecorderDeps {
  readonly encoder: Encoder;
  readonly writer: LoneWriter;
  readonly deadlineMs?: number;
  /** Most records under way at once; more would wait past the deadline anyway. */
  readonly backlog?: number;
}

export interface GroupingRecorder extends AuditRecorder {
  /** Takes nothing more and resolves when everything taken is stored or refused. */
  close(): Promise<void>;
}

/** Measured: 2 lanes of 32 store 62k rows/s where one at a time stores 16k; a timer of 1 ms halves it. */
const lanes = 2;
const defaultDeadlineMs = 2_000;
const defaultBacklog = 4_096;

interface Pending {
  row: AuditRow | undefined;
  /** Its caller was refused already, so it must not be stored as if it had been answered. */
  late: boolean;
}

function unavailable(cause: unknown): GatehouseError {
  return new GatehouseError("AUDIT_UNAVAILABLE", { cause });
}

function hasReason(error: unknown, reason: GatehouseError["reason"]): boolean {
  return error instanceof GatehouseError && error.reason === reason;
}

async function insertOrRepeat(writer: LoneWriter, rows: readonly AuditRow[]): Promise<void> {
  try {
    await insertEvents(writer, rows);
  } catch (error) {
    if (!hasReason(error, "OUTCOME_UNKNOWN")) throw error;
    await insertEvents(writer, rows);
  }
}

/** Why each row was not stored, undefined where it was. One row that Postgres refuses must not take others with it. */
async function store(writer: LoneWriter, rows: readonly AuditRow[]): Promise<readonly unknown[]> {
  try {
    if (rows.length > 0) await insertOrRepeat(writer, rows);
    return rows.map(() => undefined);
  } catch (error) {
    if (!hasReason(error, "INTERNAL") || rows.length === 1) return rows.map(() => error);
    const middle = rows.length >> 1;
    const first = await store(writer, rows.slice(0, middle));
    return [...first, ...(await store(writer, rows.slice(middle)))];
  }
}

/** Settles as `work` does, or rejects after the deadline and marks the record as late. */
function inTime(work: Promise<void>, pending: Pending, deadlineMs: number): Promise<void> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      pending.late = true;
      reject(unavailable(new Error("the audit record was not stored in time")));
    }, deadlineMs);
    work.then(
      () => {
        clearTimeout(timer);
        resolve();
      },
      (error: unknown) => {
        clearTimeout(timer);
        reject(hasReason(error, "EVENT_TOO_LARGE") ? error : unavailable(error));
      },
    );
  });
}

function createGroups(writer: LoneWriter): Grouping<Pending, unknown> {
  return createGrouping<Pending, unknown>({
    lanes,
    size: mostRecordsTogether,
    async run(group) {
      const rows = group.map(({ late, row }) => (late ? undefined : row));
      const failures = [
        ...(await store(
          writer,
          rows.filter((row) => row !== undefined),
        )),
      ];
      return rows.map((row) => (row === undefined ? undefined : failures.shift()));
    },
  });
}

export function createRecorder(deps: RecorderDeps): GroupingRecorder {
  const { encoder, writer, deadlineMs = defaultDeadlineMs, backlog = defaultBacklog } = deps;
  const groups = createGroups(writer);
  let closed = false;
  let open = 0;
  let onDrained = (): void => {};

  async function enqueue(draft: AuditDraft, pending: Pending): Promise<void> {
    const preparing = encoder.prepare(draft);
    const prepared = preparing instanceof Promise ? await preparing : preparing;
    if (pending.late) return;
    pending.row = encoder.encode(prepared);
    const failure = await groups.add(pending);
    if (failure !== undefined) throw failure;
  }

  return {
    async record(draft) {
      if (closed) throw unavailable(new Error("the audit trail is closed"));
      if (open >= backlog) throw unavailable(new Error("too many audit records wait"));
      const pending: Pending = { row: undefined, late: false };
      open += 1;
      try {
        await inTime(enqueue(draft, pending), pending, deadlineMs);
      } finally {
        open -= 1;
        if (open === 0) onDrained();
      }
    },
    async close() {
      closed = true;
      if (open > 0) {
        await new Promise<void>((resolve) => {
          onDrained = resolve;
        });
      }
      await groups.idle();
    },
  };
}
