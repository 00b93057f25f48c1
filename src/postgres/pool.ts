// The connections of one login, and reading through them. Writing needs a transaction: every session is read-only until
// it says BEGIN READ WRITE, so a stray write outside a transaction is refused by Postgres itself.
import pg from "pg";
import type { Reader, Row, Statement } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { Logger } from "../kernel/logger.ts";
import { type ConnectionSettings, clientConfig } from "./connection.ts";
import { isConnectionLost, sqlState, translate } from "./errors.ts";
import { isSpoiled, send } from "./send.ts";

export interface PoolOptions {
  readonly connection: ConnectionSettings;
  readonly logger: Logger;
  /** Most connections at once. */
  readonly size: number;
  /** How long a call may wait for a connection, be it a free one or a new one. */
  readonly connectTimeoutMs?: number;
  /** How long Postgres may take for one statement. Our own limit is a second longer, for when nothing answers at all. */
  readonly statementTimeoutMs?: number;
}

export interface PoolUsage {
  readonly total: number;
  readonly idle: number;
  /** Calls that wait for a connection. */
  readonly waiting: number;
}

export interface Pool extends Reader {
  /** Lends a connection to `use` alone. It goes back to the others unless it is lost or left inside a transaction. */
  lend<T>(use: (client: pg.Client) => Promise<T>): Promise<T>;
  usage(): PoolUsage;
  close(): Promise<void>;
}

const defaultConnectTimeoutMs = 3_000;
const defaultStatementTimeoutMs = 5_000;
const idleTransactionTimeoutMs = 10_000;

function poolConfig(options: PoolOptions): pg.PoolConfig {
  const statementTimeoutMs = options.statementTimeoutMs ?? defaultStatementTimeoutMs;
  return {
    ...clientConfig(options.connection),
    max: options.size,
    connectionTimeoutMillis: options.connectTimeoutMs ?? defaultConnectTimeoutMs,
    idleTimeoutMillis: 60_000,
    statement_timeout: statementTimeoutMs,
    query_timeout: statementTimeoutMs + 1_000,
    idle_in_transaction_session_timeout: idleTransactionTimeoutMs,
    options: "-c default_transaction_read_only=on -c timezone=UTC",
    // Statements leave at once instead of waiting for the answer to the one before: BEGIN costs no round trip of its own.
    pipeline: true,
  };
}

/** Nothing is open on it, and its socket stands. */
function isUsable(client: pg.Client): boolean {
  return client.getTransactionStatus() === "I" && !client.connection.stream.destroyed && !isSpoiled(client);
}

/** Opens no connection yet; the first use does. */
export function createPool(options: PoolOptions): Pool {
  const { logger } = options;
  const pool = new pg.Pool(poolConfig(options));
  pool.on("error", (error) => {
    // A pool that is told to end does not wait for its connections to part, and the server may be quicker.
    if (!pool.ending) logger.warn({ err: error }, "an idle database connection was lost");
  });

  async function lend<T>(use: (client: pg.Client) => Promise<T>): Promise<T> {
    const client = await pool.connect().catch((error: unknown) => {
      throw new GatehouseError("DATABASE_UNAVAILABLE", { cause: error });
    });
    let dead = false;
    // The pool listens only while the connection is idle.
    const died = (): void => {
      dead = true;
    };
    client.on("error", died);
    try {
      return await use(client);
    } catch (error) {
      dead ||= sqlState(error) !== undefined && isConnectionLost(error);
      throw error;
    } finally {
      client.removeListener("error", died);
      client.release(dead || !isUsable(client));
    }
  }

  async function rows<R extends Row>(statement: Statement, parameters: readonly unknown[]): Promise<R[]> {
    const result = await lend((client) =>
      send(client, statement, parameters).answer.catch((error: unknown) => {
        throw translate(error);
      }),
    );
    return result.rows as unknown as R[];
  }

  return {
    lend,
    rows,
    usage: () => ({ total: pool.totalCount, idle: pool.idleCount, waiting: pool.waitingCount }),
    close: () => pool.end(),
  };
}
