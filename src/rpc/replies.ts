// From how a call ended to what its door tells the caller.
import { randomUUID } from "node:crypto";
import { GatehouseError } from "../kernel/errors.ts";
import type { RunningExchange } from "./call.ts";
import type { Failure, Reply } from "./chain.ts";
import { encodeStatus, metadataOf } from "./errors.ts";

export function failureOf(error: GatehouseError, errorId: string, now: Date): Failure {
  return {
    code: error.code,
    reason: error.reason,
    message: error.message,
    status: encodeStatus(error, errorId, now),
    retryAfterMs: error.retryAfterMs,
    metadata: metadataOf(error),
  };
}

/** A step or a handler that left no trace of how the call ended is our fault. */
function unexplained(now: Date): Failure {
  return failureOf(new GatehouseError("INTERNAL"), randomUUID(), now);
}

/** Undefined when the call went well. */
export function failureIn({ outcome, now, answerMetadata }: RunningExchange): Failure | undefined {
  if (outcome === undefined || outcome.ok) return undefined;
  const failure = failureOf(outcome.error, outcome.errorId, now);
  return answerMetadata === undefined ? failure : { ...failure, metadata: { ...answerMetadata, ...failure.metadata } };
}

export function refusalOf(exchange: RunningExchange): Failure {
  return failureIn(exchange) ?? unexplained(exchange.now);
}

export function replyOf(exchange: RunningExchange, bytes: Uint8Array | undefined): Reply {
  const failure = failureIn(exchange);
  if (failure === undefined && bytes !== undefined) return { bytes, metadata: exchange.answerMetadata };
  return { failure: failure ?? unexplained(exchange.now) };
}
