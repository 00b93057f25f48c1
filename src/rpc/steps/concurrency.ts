// A caller has only so much under way at once, whatever its budget of calls.
import { addressPrefix } from "../address.ts";
import type { Exchange } from "../exchange.ts";
import type { Concurrency, Seat } from "../limits/concurrency.ts";
import type { Step } from "../step.ts";

/** One address may stand for a whole office. */
const callersBehindAddress = 10;

function seatFor(exchange: Exchange, concurrency: Concurrency): Seat | undefined {
  const { entry, principal, incoming } = exchange;
  const kind = entry.method.methodKind === "unary" ? "calls" : "streams";
  if (kind === "calls" && entry.priority === "health") return undefined;
  if (principal !== undefined && principal.id !== "") return concurrency.take(kind, principal.id, 1);
  return concurrency.take(kind, addressPrefix(incoming.peer.address), callersBehindAddress);
}

export function createConcurrencyStep(deps: { readonly concurrency: Concurrency }): Step {
  return {
    name: "concurrency",
    reason: "as soon as the caller is known, before its request is read and kept",
    after: ["authenticate", "principal limit"],
    enter(exchange) {
      exchange.seat = seatFor(exchange, deps.concurrency);
    },
    leave({ seat }) {
      if (seat !== undefined) seat.taken -= 1;
    },
  };
}
