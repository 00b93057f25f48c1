// A request id that was used before gives the earlier answer (AIP-155).

import type { RequestRecords } from "../request-records/records.ts";
import type { Step } from "../step.ts";

export function createReplayStep(deps: { readonly records: RequestRecords }): Step {
  return {
    name: "replay",
    reason: "last, so that a repeat is as authorised and valid as the first",
    after: ["validate"],
    enter(exchange) {
      const key = deps.records.keyOf(exchange);
      if (key === undefined) return;
      return deps.records.find(key).then((answer) => {
        exchange.replayed = answer;
      });
    },
  };
}
