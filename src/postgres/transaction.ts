// One transaction on one connection, in two round trips where it can: BEGIN leaves with the first statement, and COMMIT
// with the last ones. Postgres answers COMMIT after a failed statement with ROLLBACK, so sending ahead risks nothing.
import type pg from "pg";
import type { FeedEvent, Row, Statement, Transaction } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { isRefusal, translate } from "./errors.ts";
import { announceParameters, announceStatement } from "./feed-statements.ts";
import { type Sent, send, sendCommand } from "./send.ts";

export interface Committed<T> {
  readonly value: T;
  readonly events: readonly FeedEvent[];
}

/** What is stored last, together with COMMIT: the audit record. */
export type Closing = (tx: Pick<Transaction, "rows">) => Promise<void>;

interface Session {
  readonly tx: Transaction;
  readonly events: FeedEvent[];
  /** In the order of sending; the first is BEGIN. */
  readonly sent: Sent[];
  open: boolean;
}

/** Sends the statement, and BEGIN before it when it is the first. */
function sendWithin(client: pg.Client, session: Session, statement: Statement, parameters: readonly unknown[]): Sent {
  const { stream } = client.connection;
  stream.cork();
  try {
    if (session.sent.length === 0) session.sent.push(sendCommand(client, "begin read write"));
    const statementSent = send(client, statement, parameters);
    session.sent.push(statementSent);
    return statementSent;
  } finally {
    stream.uncork();
  }
}

function startSession(client: pg.Client): Session {
  const rows = async <R extends Row>(statement: Statement, parameters: readonly unknown[]): Promise<R[]> => {
    if (!session.open) throw new TypeError("the transaction is over");
    const result = await sendWithin(client, session, statement, parameters).answer.catch((error: unknown) => {
      throw translate(error);
    });
    return result.rows as unknown as R[];
  };
  const announce = (event: FeedEvent): void => {
    if (!session.open) throw new TypeError("the transaction is over");
    session.events.push(event);
  };
  const session: Session = { tx: { rows, announce }, events: [], sent: [], open: true };
  return session;
}

interface Ending {
  readonly commit: Sent;
  readonly closed: Promise<void>;
}

/** Sends the closing statements, the feed's and COMMIT in one go. */
async function sendEnding(client: pg.Client, session: Session, closing: Closing): Promise<Ending> {
  const { stream } = client.connection;
  const before = session.sent.length;
  stream.cork();
  const closed = (async () => closing(session.tx))();
  closed.catch(() => {});
  // A closing that had nothing to send yet is waited for; COMMIT must not overtake it.
  if (session.sent.length === before) {
    stream.uncork();
    await closed;
    stream.cork();
  }
  session.open = false;
  try {
    if (session.events.length > 0) {
      sendWithin(client, session, announceStatement, announceParameters(session.events));
    }
    for (const statement of session.sent) if (!statement.onWire) await statement.answer;
    return { commit: sendCommand(client, "commit"), closed };
  } finally {
    stream.uncork();
  }
}

/** The first failure that the statements before COMMIT met, if any. */
async function firstFailure(sent: readonly Sent[]): Promise<unknown> {
  for (const { answer } of sent) {
    const failure = await answer.then(
      () => undefined,
      (error: unknown) => error ?? new Error("a statement failed"),
    );
    if (failure !== undefined) return failure;
  }
  return undefined;
}

/** Returns when the transaction is durable; throws what undid it, or OUTCOME_UNKNOWN when nobody can say. */
async function settle(sent: readonly Sent[], commit: Sent): Promise<void> {
  const [answer] = await Promise.allSettled([commit.answer]);
  const failure = await firstFailure(sent);
  // An answered refusal means that COMMIT found, or would have found, a failed transaction.
  if (failure !== undefined && isRefusal(failure)) throw failure;
  if (answer.status === "fulfilled") {
    if (answer.value.command === "COMMIT") return;
    throw failure ?? new Error("the transaction was undone");
  }
  if (isRefusal(answer.reason)) throw answer.reason;
  throw new GatehouseError("OUTCOME_UNKNOWN", { cause: answer.reason });
}

/**
 * Runs `work`, then `closing`, then the feed, then COMMIT. What `work` itself throws is passed on as it is, what the
 * driver throws in our words; in both cases nothing was committed, unless the reason is OUTCOME_UNKNOWN.
 */
export async function runTransaction<T>(
  client: pg.Client,
  work: (tx: Transaction) => Promise<T>,
  closing: Closing,
): Promise<Committed<T>> {
  const session = startSession(client);
  let ending: Ending | undefined;
  let working = true;
  try {
    const value = await work(session.tx);
    working = false;
    // Work that swallowed a failed statement must not go on as if it had happened.
    const failure = await firstFailure(session.sent);
    if (failure !== undefined) throw failure;
    ending = await sendEnding(client, session, closing);
    await settle(session.sent, ending.commit);
    // Fails only when the closing broke its contract and wanted to send more after COMMIT had left.
    await ending.closed;
    return { value, events: session.events };
  } catch (error) {
    const cause = await beginFailure(client, session, ending !== undefined);
    throw cause === undefined && working ? error : translate(cause ?? error);
  } finally {
    session.open = false;
    if (ending === undefined && session.sent.length > 0) await rollBack(client);
  }
}

/**
 * Without BEGIN (a server that became a standby) what followed met a read-only session; the connection is of no use. Once
 * COMMIT was sent, only a refusal says so: a lost answer to BEGIN then says nothing about the rest.
 */
async function beginFailure(
  client: pg.Client,
  session: Session,
  committing: boolean,
): Promise<GatehouseError | undefined> {
  const failure = await firstFailure(session.sent.slice(0, 1));
  if (failure === undefined || (committing && !isRefusal(failure))) return undefined;
  client.connection.stream.destroy();
  return new GatehouseError("DATABASE_UNAVAILABLE", { cause: failure });
}

/** What the connection is in afterwards decides whether it is used again, so a failure here needs no telling. */
async function rollBack(client: pg.Client): Promise<void> {
  await sendCommand(client, "rollback").answer.catch(() => {});
}
