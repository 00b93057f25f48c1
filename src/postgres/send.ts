// Puts one statement on a connection without waiting for those before it, and says whether it really went out.
import pg from "pg";
import type { Row, Statement } from "../kernel/database.ts";

export interface Sent {
  readonly answer: Promise<pg.QueryResult<Row>>;
  /**
   * False when the statement failed before it reached the wire (a value that cannot be encoded, a name used for another
   * text, a dead connection). COMMIT must not follow it: Postgres would know of no failure and commit the rest.
   */
  readonly onWire: boolean;
}

// After a value that cannot be encoded the driver closes the prepared statement at the server and still takes it for
// prepared: every later use on that connection would fail.
const spoiled = new WeakSet<pg.ClientBase>();

export function isSpoiled(client: pg.ClientBase): boolean {
  return spoiled.has(client);
}

/** Postgres executes in the order of sending; after a failure inside a transaction it refuses all but ROLLBACK. */
export function send(client: pg.ClientBase, statement: Statement, parameters: readonly unknown[]): Sent {
  return sendQuery(client, statement.text, { name: statement.name, values: [...parameters] });
}

/** A command without parameters or name: BEGIN, COMMIT, ROLLBACK. */
export function sendCommand(client: pg.ClientBase, text: string): Sent {
  return sendQuery(client, text, {});
}

interface Preparation {
  name?: string;
  values?: unknown[];
}

function sendQuery(client: pg.ClientBase, text: string, preparation: Preparation): Sent {
  const { promise, resolve, reject } = Promise.withResolvers<pg.QueryResult<Row>>();
  let onWire = false;
  let submitting = true;
  const query = new pg.Query<Row>(text, (error, result) => {
    if (error) {
      onWire = false;
      if (submitting) spoiled.add(client);
      reject(error);
    } else resolve(result);
  });
  // Not through the constructor, which copies the descriptors of what it is given: a fiftieth of a call's time.
  Object.assign(query, preparation);
  const submit = query.submit.bind(query) as (connection: pg.Connection) => Error | null;
  query.submit = (connection) => {
    onWire = true;
    const refused = submit(connection);
    if (refused) onWire = false;
    return refused;
  };
  client.query(query);
  submitting = false;
  // Whoever needs the answer awaits it; when an earlier failure is told instead, this one must not end the process.
  promise.catch(() => {});
  return { answer: promise, onWire };
}
