// Hears at once that the feed has something new (LISTEN). It is a hint and nothing more: a pooler between may swallow it and a
// connection may die unnoticed, so the tail looks by itself all the same, and nobody waits for this.
import type pg from "pg";
import type { Logger } from "../kernel/logger.ts";
import { type ConnectionSettings, connect } from "./connection.ts";
import { feedChannel } from "./feed-statements.ts";

export interface FeedHintsDeps {
  readonly connection: ConnectionSettings;
  readonly logger: Logger;
  readonly onHint: () => void;
  /** Before it tries again; doubled each time up to a minute. */
  readonly retryMs?: number;
}

export interface FeedHints {
  stop(): Promise<void>;
}

const connectTimeoutMs = 3_000;
const defaultRetryMs = 1_000;
const longestRetryMs = 60_000;

/** At once; connecting goes on behind. */
export function listenToFeed(deps: FeedHintsDeps): FeedHints {
  const { connection, logger, onHint, retryMs = defaultRetryMs } = deps;
  let client: pg.Client | undefined;
  let timer: NodeJS.Timeout | undefined;
  let waitMs = retryMs;
  let stopped = false;

  async function untilItEnds(): Promise<void> {
    client = await connect(connection, connectTimeoutMs);
    const { promise: ended, resolve } = Promise.withResolvers<void>();
    client.once("end", resolve);
    // Of a connection that is cut; its end follows, and is what counts.
    client.on("error", () => {});
    client.on("notification", onHint);
    try {
      if (stopped) return;
      await client.query(`listen ${feedChannel}`);
      waitMs = retryMs;
      // What came before anybody listened.
      onHint();
      await ended;
    } finally {
      // Without goodbye: a server that is gone would be waited for.
      client.connection.stream.destroy();
      client = undefined;
    }
  }

  function again(error?: unknown): void {
    if (stopped) return;
    logger.debug({ err: error }, "nobody says when the feed has something new; it is looked at by the clock");
    timer = setTimeout(begin, waitMs).unref();
    waitMs = Math.min(waitMs * 2, longestRetryMs);
  }

  let running: Promise<void> = Promise.resolve();
  function begin(): void {
    running = untilItEnds().then(() => again(), again);
  }
  begin();

  return {
    async stop() {
      stopped = true;
      clearTimeout(timer);
      client?.connection.stream.destroy();
      await running;
    },
  };
}
