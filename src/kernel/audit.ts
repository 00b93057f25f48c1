// The words of the audit trail that every slice uses. How a record is encoded, sealed and stored is the audit slice's.

import type { Transaction } from "./database.ts";

export type AuditValue =
  | string
  | number
  | boolean
  | null
  | readonly AuditValue[]
  | { readonly [key: string]: AuditValue };

export interface AuditResource {
  readonly type: string;
  /** Opaque id or path; never personal data. */
  readonly uid: string;
  readonly version?: number;
}

/**
 * A record in the making. The chain fills in who, what, where from and when; a handler adds what it learns; the unit
 * of work (or the recorder) fixes and stores it.
 */
export interface AuditDraft {
  readonly eventId: string;
  readonly occurredAt: Date;
  /** Name in the event catalogue, such as `secret.read`. */
  event: string;
  category: "ADMIN" | "DATA_ACCESS" | "SYSTEM" | "POLICY_DENIED" | "APPLICATION";
  outcome: "SUCCESS" | "FAILURE";
  /** Error reason when the outcome is FAILURE. */
  reason: string | undefined;
  /** gRPC status code, 0 to 16. */
  grpcCode: number;
  /** `package.Service/Method`; undefined for what no call caused. */
  readonly method: string | undefined;
  readonly requestId: string | undefined;
  actor: {
    id: string;
    kind: "person" | "service_account" | "anonymous" | "system";
    sessionId: string | undefined;
    clientId: string | undefined;
  };
  /** Whose key seals the personal part; undefined = nobody is known, the key of the month seals it. */
  subjectId: string | undefined;
  /** Personal data: sealed under the subject's key, in the entry only as a salted commitment. */
  personal: { loginName?: string; address?: string; userAgent?: string };
  resources: AuditResource[];
  /** Not personal, not secret: sealed beside the entry, in the entry only as a salted commitment. */
  details: { [key: string]: AuditValue };
}

/** Stores records that have no effect to commit with. */
export interface AuditRecorder {
  /**
   * Resolves once the record is durable in Postgres. Rejects with AUDIT_UNAVAILABLE after the deadline of 2 s, and the
   * caller must then not let its answer leave.
   */
  record(draft: AuditDraft): Promise<void>;
}

/** Most records of one transaction. */
export const mostRecordsTogether = 32;

/** What the audit slice has ready before the transaction begins: the keys, not yet the bytes. */
export interface PreparedRecord {
  readonly draft: AuditDraft;
}

/** Stores records in the transaction of their effect. Offered by Audit, asked by the unit of work. */
export interface AuditWriter {
  /** Before BEGIN: fetches what `insert` will need, such as the subject's key. The only place that may be slow. */
  prepare(draft: AuditDraft): PreparedRecord | Promise<PreparedRecord>;
  /**
   * Last in the transaction but for the feed: encodes and seals the drafts as they stand now, and stores them; at least one, at most
   * `mostRecordsTogether`. Hands its statements to `tx` before it first awaits anything, because COMMIT leaves with them in
   * one round trip. A retried transaction inserts the same records again.
   */
  insert(tx: Pick<Transaction, "rows">, records: readonly PreparedRecord[]): Promise<void>;
}
