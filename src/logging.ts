// The log: pino, one JSON object a line, on stderr, since stdout belongs to what a command prints.
import { type DestinationStream, destination, pino } from "pino";
import type { Clock } from "./kernel/clock.ts";
import type { LineSink, Logger } from "./kernel/logger.ts";
import { createSafeFields, type PrintMessage } from "./log-fields.ts";

export type LogLevel = "debug" | "info" | "warn" | "error";

export interface LoggingDeps {
  readonly level: LogLevel;
  readonly clock: Clock;
  /** Default: stderr, written synchronously, so that the last line before a crash is there. */
  readonly stream?: DestinationStream;
  /** Default: messages are masked as a whole. */
  readonly printMessage?: PrintMessage;
}

export interface LeveledLogger extends Logger {
  /** May be set at any time. */
  level: LogLevel;
  /** For the line of each call: many, small, and made of nothing that needs masking. */
  readonly lines: LineSink;
  /** To be called last, before the process ends. */
  flush(): void;
}

/** A pipe takes this much at once, and Docker's reader too. */
const fullAt = 16 * 1024;
/** A line of a call is late by this much at the most. Whatever else is logged takes the waiting lines with it. */
const latestMs = 100;

/** A system call for each line would cost a busy server a tenth of its rate. */
function createBuffer(stream: DestinationStream) {
  let waiting = "";
  let timer: NodeJS.Timeout | undefined;
  function flush(): void {
    clearTimeout(timer);
    timer = undefined;
    if (waiting === "") return;
    const text = waiting;
    waiting = "";
    stream.write(text);
  }
  function add(line: string): void {
    waiting += `${line}\n`;
    if (waiting.length >= fullAt) flush();
    else timer ??= setTimeout(flush, latestMs).unref();
  }
  return { add, flush };
}

export function createLogger({ level, clock, stream, printMessage }: LoggingDeps): LeveledLogger {
  const target = stream ?? destination({ fd: 2, sync: true });
  const buffer = createBuffer(target);
  const inOrder: DestinationStream = {
    write(line) {
      buffer.flush();
      target.write(line);
    },
  };
  const logger = pino(
    {
      level,
      base: null,
      messageKey: "message",
      timestamp: () => `,"time":"${clock.now().toISOString()}"`,
      serializers: { err: (err: unknown) => err },
      formatters: { level: (label) => ({ level: label }), log: createSafeFields(printMessage) },
    },
    inOrder,
  );
  let informs = logger.isLevelEnabled("info");
  return {
    get level() {
      return logger.level as LogLevel;
    },
    set level(next) {
      logger.level = next;
      informs = logger.isLevelEnabled("info");
    },
    debug: (fields, message) => logger.debug(fields, message),
    info: (fields, message) => logger.info(fields, message),
    warn: (fields, message) => logger.warn(fields, message),
    error: (fields, message) => logger.error(fields, message),
    lines: {
      get on() {
        return informs;
      },
      write: buffer.add,
    },
    flush: buffer.flush,
  };
}
