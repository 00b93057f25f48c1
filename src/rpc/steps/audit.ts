// Evidence of what was refused or failed, and of reads, before the answer leaves. Changes carry their own evidence in their transaction.
import { randomUUID } from "node:crypto";
import { AuditMode } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import type { AuditRecorder } from "../../kernel/audit.ts";
import { errorTable, GatehouseError, type Reason } from "../../kernel/errors.ts";
import type { Exchange, Outcome } from "../exchange.ts";
import type { Step } from "../step.ts";

const policyDenials: ReadonlySet<Reason> = new Set([
  "PERMISSION_DENIED",
  "SCOPE_MISSING",
  "CREDENTIAL_MISSING",
  "CREDENTIAL_INVALID",
  "RATE_LIMITED",
]);

// Nothing happened, and the place where it would be recorded is the one that does not answer.
const unrecordable: ReadonlySet<Reason> = new Set(["DATABASE_UNAVAILABLE", "AUDIT_UNAVAILABLE"]);

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

function mustRecord(exchange: Exchange): boolean {
  const { outcome, entry } = exchange;
  if (outcome === undefined || entry.auditMode === AuditMode.NONE || exchange.recorded) return false;
  if (outcome.ok) return entry.auditMode === AuditMode.BLOCKING || exchange.replayed !== undefined;
  return !unrecordable.has(outcome.error.reason) && !repeatedRefusal(outcome.error);
}

async function record(exchange: Exchange, outcome: Outcome, recorder: AuditRecorder): Promise<void> {
  if (!outcome.ok) describeFailure(exchange, outcome.error);
  if (exchange.replayed !== undefined) exchange.audit.details.repeated = true;
  try {
    await recorder.record(exchange.audit);
  } catch (cause) {
    const errorId = outcome.ok ? randomUUID() : outcome.errorId;
    exchange.outcome = { ok: false, error: new GatehouseError("AUDIT_UNAVAILABLE", { cause }), errorId };
  }
}

export function createAuditStep(deps: { readonly recorder: AuditRecorder }): Step {
  return {
    name: "audit",
    reason:
      "outside everything that can refuse, so that refusals are recorded too; inside log, which tells when recording failed",
    leave(exchange) {
      const { outcome } = exchange;
      return outcome !== undefined && mustRecord(exchange) ? record(exchange, outcome, deps.recorder) : undefined;
    },
  };
}
