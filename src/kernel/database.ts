// How a slice speaks to Postgres without knowing pg: named statements, a reader, and a transaction handed out by the
// unit of work alone.

/** One SQL statement. The name is unique in the product and becomes the prepared statement's name. */
export interface Statement {
  readonly name: string;
  readonly text: string;
}

export type Row = Readonly<Record<string, unknown>>;

/** Reads outside a transaction. A statement that writes is refused by the architecture test, not by Postgres. */
export interface Reader {
  /** All rows. Throws GatehouseError DATABASE_UNAVAILABLE when Postgres cannot answer within its time. */
  rows<R extends Row>(statement: Statement, parameters: readonly unknown[]): Promise<R[]>;
}

/**
 * What every replica must hear of within a second: a revoked token or session, a principal whose standing changed.
 * `key` is a jti, a session id or a principal id by `kind`; a `subject` is `<principal id>:<generation>`, and what was handed out for
 * the principal under an older generation is dead; a `credential` is an API key, a binding or whatever else tokens
 * are issued for, and is dead; a `workload` is a binding that is new or gone; a `compromised_key` is a kid, and what it signed is dead; a
 * `signing_key` is an algorithm whose keys changed; a `client` is
 * `<id>:<generation>` of one that changed, and what was handed out through it under an older generation is dead; a `subject_client` is
 * `<principal id>:<client id>`, and what was handed out for the one through the other is dead unless it says (`since`) that it came after this event, whose
 * number is its `expiresAt`; a `credential_end` is `<credential>:<Unix milliseconds>`, and from that instant on the credential is dead. After `expiresAt` the event means nothing any more.
 */
export interface FeedEvent {
  readonly kind:
    | "token"
    | "session"
    | "principal"
    | "subject"
    | "role"
    | "credential"
    | "workload"
    | "signing_key"
    | "compromised_key"
    | "client"
    | "subject_client"
    | "credential_end";
  readonly key: string;
  readonly expiresAt: Date;
}

export interface Transaction extends Reader {
  /**
   * Announce to all replicas, in this transaction. The feed takes its number under a row lock as the last statement
   * before COMMIT, so that numbers become visible in their order.
   */
  announce(event: FeedEvent): void;
}

/** A value that must be unique is taken. Raised by Postgres, so it holds under concurrency; the transaction is over. */
export class UniqueViolation extends Error {
  override readonly name = "UniqueViolation";
  /** Name of the constraint or unique index, such as `access_grant_once`. */
  readonly constraint: string;

  constructor(constraint: string, options?: { cause?: unknown }) {
    super("a unique value is taken", options);
    this.constraint = constraint;
  }
}

/** True when `error` says that the named constraint holds already; throw the slice's own refusal then. */
export function isUniqueViolation(error: unknown, constraint: string): boolean {
  return error instanceof UniqueViolation && error.constraint === constraint;
}

/**
 * One writing statement that is a transaction of its own and leaves no record: rows of the audit trail itself, and rows
 * that have expired. Given to the audit recorder and to jobs, never to a handler.
 */
export interface LoneWriter {
  /** Errors: DATABASE_UNAVAILABLE when nothing was committed, OUTCOME_UNKNOWN when the answer to COMMIT was lost. */
  write<R extends Row>(statement: Statement, parameters: readonly unknown[]): Promise<R[]>;
}
