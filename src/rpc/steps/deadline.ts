// Every call has a deadline, whether the caller named one or not, and none begins that cannot end in time.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Step } from "../step.ts";

export function createDeadlineStep(deps: { readonly defaultMs: number; readonly maxMs: number }): Step {
  return {
    name: "deadline",
    reason: "before anything that costs, so that a call which is late already costs nothing",
    enter(exchange) {
      const arrived = exchange.now.getTime();
      const asked = exchange.incoming.deadline ?? arrived + deps.defaultMs;
      // Streams live as long as their caller wants them to.
      exchange.deadline =
        exchange.entry.method.methodKind === "unary"
          ? Math.min(asked, arrived + deps.maxMs)
          : (exchange.incoming.deadline ?? Number.POSITIVE_INFINITY);
      if (exchange.deadline <= arrived) throw new GatehouseError("DEADLINE_EXCEEDED");
    },
  };
}
