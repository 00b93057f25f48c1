// The log: pino, one JSON object a line, on stderr, since stdout belongs to what a command prints.
import { type DestinationStream, destination, pino } from "pino";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import { safeFields } from "./log-fields.ts";

export interface LoggingDeps {
  readonly level: "debug" | "info" | "warn" | "error";
  readonly clock: Clock;
  /** Default: stderr, written synchronously, so that the last line before a crash is there. */
  readonly stream?: DestinationStream;
}

export function createLogger({ level, clock, stream }: LoggingDeps): Logger {
  return pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      serializers: { err: (err: unknown) => err },
      formatters: { level: (label) => ({ level: label }), log: safeFields },
    },
    stream ?? destination({ fd: 2, sync: true }),
  );
}
