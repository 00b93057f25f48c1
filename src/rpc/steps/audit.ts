// Evidence of what was refused or failed, and of reads, before the answer leaves. Changes carry their own evidence in their transaction.
import { randomUUID } from "node:crypto";
import { AuditMode } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import type { AuditRecorder } from "../../kernel/audit.ts";
import { errorTable, GatehouseError, type Reason } from "../../kernel/errors.ts";
import { uuidv7 } from "../../kernel/ids.ts";
import type { Exchange, Outcome } from "../exchange.ts";
import type { Step } from "../step.ts";

const policyDenials: ReadonlySet<Reason> = new Set([
  "PERMISSION_DENIED",
  "SCOPE_MISSING",
  "STEP_UP_REQUIRED",
  "NETWORK_NOT_ALLOWED",
  "CREDENTIAL_MISSING",
  "CREDENTIAL_INVALID",
  "CLIENT_INVALID",
  "PERSON_REQUIRED",
  "RATE_LIMITED",
]);

// Nothing happened, and the place where it would be recorded is the one that does not answer.
const unrecordable: ReadonlySet<Reason> = new Set(["DATABASE_UNAVAILABLE", "AUDIT_UNAVAILABLE", "LIMITS_UNAVAILABLE"]);

// Nothing happened, and a record of each would add to what there was too much of; metrics count them.
const uncounted: ReadonlySet<Reason> = new Set(["OVERLOADED", "CONCURRENCY_LIMITED"]);

function describeFailure(exchange: Exchange, error: GatehouseError): void {
  const draft = exchange.audit;
  draft.outcome = "FAILURE";
  draft.reason = error.auditReason;
  draft.grpcCode = error.code;
  if (policyDenials.has(error.reason)) draft.category = "POLICY_DENIED";
  draft.details.code = errorTable[error.reason].id;
}

/** A caller over its limit is recorded once until it is let in again: a flood must not become a flood of records. */
function repeatedRefusal(error: GatehouseError): boolean {
  return error.reason === "RATE_LIMITED" && error.auditReason !== "RATE_LIMITED_FIRST";
}

/** Callers go away from streams when they have seen enough; that is how most of them end. */
function endedAsUsual({ entry }: Exchange, outcome: Outcome): boolean {
  return outcome.ok || (entry.method.methodKind !== "unary" && outcome.error.reason === "CANCELLED");
}

function mustRecord(exchange: Exchange): boolean {
  const { outcome, entry } = exchange;
  if (outcome === undefined || entry.auditMode === AuditMode.NONE || exchange.recorded) return false;
  if (outcome.ok || endedAsUsual(exchange, outcome))
    return entry.auditMode === AuditMode.BLOCKING || exchange.replayed !== undefined;
  const { error } = outcome;
  return !unrecordable.has(error.reason) && !uncounted.has(error.reason) && !repeatedRefusal(error);
}

async function record(exchange: Exchange, outcome: Outcome, recorder: AuditRecorder): Promise<void> {
  if (!outcome.ok && !endedAsUsual(exchange, outcome)) describeFailure(exchange, outcome.error);
  if (exchange.replayed !== undefined) exchange.audit.details.repeated = true;
  try {
    await recorder.record(exchange.audit);
  } catch (cause) {
    const errorId = outcome.ok ? randomUUID() : outcome.errorId;
    exchange.outcome = { ok: false, error: new GatehouseError("AUDIT_UNAVAILABLE", { cause }), errorId };
  }
}

/** What a stream will show is on record before it shows anything; what became of it is a second record. */
async function recordOpening({ audit, entry, now }: Exchange, recorder: AuditRecorder): Promise<void> {
  if (entry.auditMode !== AuditMode.BLOCKING) return;
  audit.details.stream = "opened";
  const resources = [...audit.resources];
  try {
    await recorder.record({ ...audit, resources, details: { ...audit.details }, eventId: uuidv7(now) });
  } catch (cause) {
    throw new GatehouseError("AUDIT_UNAVAILABLE", { cause });
  }
  audit.details.stream = "closed";
}

export function createAuditStep(deps: { readonly recorder: AuditRecorder }): Step {
  return {
    name: "audit",
    reason:
      "outside everything that can refuse, so that refusals are recorded too; inside log, which tells when recording failed",
    begin: (exchange) => recordOpening(exchange, deps.recorder),
    leave(exchange) {
      const { outcome } = exchange;
      return outcome !== undefined && mustRecord(exchange) ? record(exchange, outcome, deps.recorder) : undefined;
    },
  };
}
