// Ends streams that may no longer run: their credential died, a grant was taken away, their deadline passed, their caller
// went away. One timer looks at all of them, a part at a time, so a message costs no check and no look is a long one.
import type { Clock } from "../kernel/clock.ts";
import { GatehouseError } from "../kernel/errors.ts";
import type { RunningExchange } from "./call.ts";
import type { Step } from "./step.ts";

export interface WatchedStream {
  /** What `source` gives until it ends or the stream must; throws why it must. A source that hangs is left behind. */
  until<T>(source: AsyncIterable<T>): AsyncGenerator<T>;
  /** Ends it now, for a reason of the door. */
  end(reason: GatehouseError): void;
  /** Must be called once it is over. */
  forget(): void;
}

export interface StreamWatch {
  watch(exchange: RunningExchange): WatchedStream;
}

export interface StreamWatchDeps {
  readonly steps: readonly Step[];
  readonly clock: Clock;
  readonly everyMs?: number;
}

/** The promise is one second from revocation to end: a quarter for the feed, a quarter for this, the rest for the database. */
const defaultEveryMs = 250;
const parts = 5;

interface Watched {
  readonly exchange: RunningExchange;
  /** Why it must end. */
  reason: unknown;
  ended: boolean;
  checking: boolean;
  begun: boolean;
  /** Ends the wait that is under way. */
  lose: ((reason: unknown) => void) | undefined;
}

function end(watched: Watched, reason: unknown): void {
  if (watched.ended) return;
  watched.ended = true;
  watched.reason = reason;
  const error = reason instanceof GatehouseError ? reason : new GatehouseError("INTERNAL", { cause: reason });
  watched.exchange.overdue ??= error;
  watched.exchange.abort(error);
  watched.lose?.(reason);
}

function waitFor<T>(watched: Watched, pending: Promise<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    watched.lose = reject;
    pending.then(resolve, reject);
    if (watched.ended) reject(watched.reason);
  });
}

async function* until<T>(watched: Watched, source: AsyncIterable<T>): AsyncGenerator<T> {
  watched.begun = true;
  const iterator = source[Symbol.asyncIterator]();
  let waiting = false;
  try {
    for (;;) {
      waiting = true;
      const step = await waitFor(watched, iterator.next());
      waiting = false;
      if (step.done === true) return;
      yield step.value;
    }
  } finally {
    const closing = iterator.return?.(undefined);
    // Whoever was told to stop and does not must not keep the stream open.
    if (waiting) closing?.catch(() => {});
    else await closing;
  }
}

function createChecks({ steps }: Pick<StreamWatchDeps, "steps">) {
  const checks = steps.flatMap(({ again }) => again ?? []);

  async function checkSlowly(watched: Watched, from: number, first: Promise<void>, now: Date): Promise<void> {
    await first;
    for (const check of checks.slice(from)) await check(watched.exchange, now);
  }

  function check(watched: Watched, now: Date): void {
    for (let i = 0; i < checks.length; i++) {
      const asked = checks[i]?.(watched.exchange, now);
      if (asked === undefined) continue;
      watched.checking = true;
      checkSlowly(watched, i + 1, asked, now)
        .catch((reason: unknown) => end(watched, reason))
        .finally(() => {
          watched.checking = false;
        });
      return;
    }
  }

  return (watched: Watched, now: Date): void => {
    if (watched.ended || watched.checking) return;
    try {
      if (now.getTime() >= watched.exchange.deadline) throw new GatehouseError("DEADLINE_EXCEEDED");
      // Before the steps have let it in there is nothing to look at again.
      if (watched.begun) check(watched, now);
    } catch (reason) {
      end(watched, reason);
    }
  };
}

export function createStreamWatch(deps: StreamWatchDeps): StreamWatch {
  const { clock, everyMs = defaultEveryMs } = deps;
  const open: readonly Set<Watched>[] = Array.from({ length: parts }, () => new Set<Watched>());
  const check = createChecks(deps);
  let timer: NodeJS.Timeout | undefined;
  let count = 0;
  let arrivals = 0;
  let turn = 0;

  function look(): void {
    turn = (turn + 1) % parts;
    const now = clock.now();
    for (const watched of open[turn] ?? []) check(watched, now);
  }

  function keep(watched: Watched): () => void {
    const part = open[arrivals++ % parts];
    part?.add(watched);
    count++;
    timer ??= setInterval(look, everyMs / parts).unref();
    return () => {
      watched.ended = true;
      if (part?.delete(watched)) count--;
      if (count > 0) return;
      clearInterval(timer);
      timer = undefined;
    };
  }

  return {
    watch(exchange) {
      const watched: Watched = {
        exchange,
        reason: undefined,
        ended: false,
        checking: false,
        begun: false,
        lose: undefined,
      };
      return {
        until: (source) => until(watched, source),
        end: (reason) => end(watched, reason),
        forget: keep(watched),
      };
    },
  };
}
