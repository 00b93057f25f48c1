// The way through the steps, in and out. It passes on at once from step to step and waits only for a step that waits:
// most calls never do.
import { randomUUID } from "node:crypto";
import type { RunningExchange } from "./call.ts";
import { asGatehouseError } from "./errors.ts";
import type { Step } from "./step.ts";

export interface Passage {
  /** First step first, from the `from`th up to before the `to`th. A step that throws ends it. */
  enter(exchange: RunningExchange, from: number, to: number): void | Promise<void>;
  /** Last step first; every step is asked, whatever happened. Never throws. */
  leave(exchange: RunningExchange, from?: number): void | Promise<void>;
}

export function fail(exchange: RunningExchange, thrown: unknown): void {
  exchange.outcome = { ok: false, error: asGatehouseError(thrown), errorId: randomUUID() };
}

/** A step that falls over makes the call INTERNAL, and the steps outside it still see that. */
function leaveStep(step: Step | undefined, exchange: RunningExchange): void | Promise<void> {
  try {
    return step?.leave?.(exchange)?.catch((thrown: unknown) => fail(exchange, thrown));
  } catch (thrown) {
    fail(exchange, thrown);
  }
}

export function createPassage(steps: readonly Step[]): Passage {
  const passage: Passage = {
    enter(exchange, from, to): void | Promise<void> {
      for (let i = from; i < to; i++) {
        const entering = steps[i]?.enter?.(exchange);
        if (entering !== undefined) return entering.then(() => passage.enter(exchange, i + 1, to));
      }
    },
    leave(exchange, from = steps.length - 1): void | Promise<void> {
      for (let i = from; i >= 0; i--) {
        const leaving = leaveStep(steps[i], exchange);
        if (leaving !== undefined) return leaving.then(() => passage.leave(exchange, i - 1));
      }
    },
  };
  return passage;
}
