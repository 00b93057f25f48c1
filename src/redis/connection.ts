// The connection to Redis or Valkey: it comes back by itself, and nothing waits for it longer than its time.
import { createClient } from "redis";
import type { Logger } from "../kernel/logger.ts";
import type { Secret } from "../kernel/secret.ts";

export interface RedisConnection {
  /** Rejects at once while there is no connection or too much waits on it, and when no answer came in time. */
  send(command: readonly string[]): Promise<unknown>;
  /** True while commands can be sent. */
  readonly ready: boolean;
  close(): Promise<void>;
}

export interface RedisOptions {
  /** `redis://`, or `rediss://` for TLS; holds the password. */
  readonly url: Secret<string>;
  /** PEM of the authorities that the server's certificate must come from; undefined = those that Node trusts. */
  readonly ca: string | undefined;
  readonly logger: Logger;
}

const connectTimeoutMs = 2_000;
const answerTimeoutMs = 1_000;
/** Commands that wait to be sent or answered, of a server that stands still; each is kept until it moves again. */
const mostWaiting = 4_096;
const firstPauseMs = 50;
const longestPauseMs = 2_000;

function pauseBefore(attempt: number): number {
  return Math.min(firstPauseMs * 2 ** Math.min(attempt, 10), longestPauseMs);
}

function clientOf({ url, ca }: RedisOptions) {
  const text = url.expose();
  const common = { connectTimeout: connectTimeoutMs, reconnectStrategy: pauseBefore };
  const socket = text.startsWith("rediss:")
    ? { ...common, tls: true as const, minVersion: "TLSv1.2" as const, ...(ca === undefined ? {} : { ca }) }
    : common;
  return createClient({
    url: text,
    socket,
    name: "gatehouse",
    // A count that is waited for is of no use: whoever asks is told at once.
    disableOfflineQueue: true,
    commandsQueueMaxLength: mostWaiting,
    disableClientInfo: true,
    maintNotifications: "disabled",
  });
}

/** The library has no limit on the time to an answer once a command is sent. */
function inTime<T>(answer: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("redis did not answer in its time")), answerTimeoutMs);
    answer.then(resolve, reject).finally(() => clearTimeout(timer));
  });
}

/**
 * Waits for the first attempt to connect, and no longer: a server that is not there yet must not keep Gatehouse from
 * checking tokens. What needs the connection refuses until it is there.
 */
export async function connectRedis(options: RedisOptions): Promise<RedisConnection> {
  const { logger } = options;
  const client = clientOf(options);
  let told = false;
  client.on("error", (err: unknown) => {
    if (!told) logger.warn({ err }, "redis cannot be reached; limits that are counted there refuse until it can");
    told = true;
  });
  client.on("ready", () => {
    if (told) logger.info({}, "redis is back");
    told = false;
  });
  const settled = Promise.withResolvers<void>();
  client.once("ready", () => settled.resolve());
  client.once("error", () => settled.resolve());
  // Settles only when the connection is given up, which is at the end.
  client.connect().catch(() => settled.resolve());
  await settled.promise;
  return {
    send: (command) => inTime(client.sendCommand([...command])),
    get ready() {
      return client.isReady;
    },
    async close() {
      client.destroy();
    },
  };
}
