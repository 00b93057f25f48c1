// Ends the wait for a handler when the call's time is up or its caller is gone.
import type { Clock } from "../kernel/clock.ts";
import { GatehouseError, type Reason } from "../kernel/errors.ts";
import type { RunningExchange } from "./call.ts";

interface Race {
  readonly exchange: RunningExchange;
  readonly clock: Clock;
  readonly lose: (error: GatehouseError) => void;
  readonly handled: Promise<unknown>;
  settled: boolean;
  timer: NodeJS.Timeout | undefined;
}

function stop(race: Race, reason: Reason): void {
  // Doors report the end of every call as a cancellation, and an error costs its stack.
  if (race.settled) return;
  const error = new GatehouseError(reason);
  race.exchange.overdue ??= error;
  race.exchange.abort(error);
  if (race.exchange.committing) return;
  race.exchange.incoming.outlivedBy?.(race.handled);
  race.lose(error);
}

function settle(race: Race): void {
  race.settled = true;
  clearTimeout(race.timer);
}

let fresh: Race[] = [];

// Timers may fire this much before their time.
const timerSlackMs = 2;

/** A door, too, ends calls at their deadline, and says then that the caller has gone. */
function isLate({ exchange, clock }: Race): boolean {
  return clock.now().getTime() >= exchange.deadline - timerSlackMs;
}

/** Most answers come from memory, in the turn in which they were asked for; only what is left then needs a timer. */
function arm(): void {
  const races = fresh;
  fresh = [];
  for (const race of races) {
    if (race.settled) continue;
    const { exchange, clock } = race;
    race.timer = setTimeout(stop, exchange.deadline - clock.now().getTime(), race, "DEADLINE_EXCEEDED");
    exchange.incoming.onCancel(() => stop(race, isLate(race) ? "DEADLINE_EXCEEDED" : "CANCELLED"));
  }
}

/**
 * The handler's answer, or DEADLINE_EXCEEDED or CANCELLED when that comes first. While a transaction is under way the
 * wait goes on: its outcome is bounded by the database's own time-outs, and must not be reported as something else.
 */
export function withinDeadline<T>(exchange: RunningExchange, handled: Promise<T>, clock: Clock): Promise<T> {
  return new Promise((resolve, reject) => {
    const race: Race = { exchange, clock, lose: reject, handled, settled: false, timer: undefined };
    if (fresh.push(race) === 1) setImmediate(arm);
    handled.then(
      (answer) => {
        settle(race);
        resolve(answer);
      },
      (error) => {
        settle(race);
        reject(error);
      },
    );
  });
}
