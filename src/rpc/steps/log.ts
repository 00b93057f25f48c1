// One line for each call that went wrong on our side, with the cause that the caller must not see.
import type { Logger } from "../../kernel/logger.ts";
import type { Step } from "../step.ts";

const ours: ReadonlySet<number> = new Set([2, 13, 14, 15]);

export function createLogStep(deps: { readonly logger: Logger }): Step {
  return {
    name: "log",
    reason: "outermost, so that it sees the outcome that the caller sees",
    leave(exchange) {
      const { outcome } = exchange;
      if (outcome === undefined || outcome.ok) return;
      const { error, errorId } = outcome;
      const fields = {
        method: exchange.entry.name,
        request_id: exchange.requestId,
        reason: error.reason,
        error_id: errorId,
      };
      if (ours.has(error.code)) deps.logger.error({ ...fields, err: error.cause ?? error }, "call failed");
      else deps.logger.debug(fields, "call refused");
    },
  };
}
