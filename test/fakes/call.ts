// A call as a handler sees it, without a wire: the record fills as in the chain, rights come from the given principal,
// and commit goes to the given unit of work.
import type { AuditDraft } from "../../src/kernel/audit.ts";
import type { Call, PeerCertificate } from "../../src/kernel/handler.ts";
import { granted, inScope, type Principal, visibility } from "../../src/kernel/principal.ts";
import type { UnitOfWork } from "../../src/kernel/unit-of-work.ts";
import { draftAt } from "../fixtures/audit-draft.ts";
import { createFakeUnitOfWork } from "./unit-of-work.ts";

export interface FakeCallOptions {
  readonly principal?: Principal;
  readonly now?: Date;
  readonly signal?: AbortSignal;
  readonly unitOfWork?: UnitOfWork;
  readonly address?: string;
  readonly certificate?: PeerCertificate;
  /** DPoP proofs in the metadata. */
  readonly proofs?: readonly string[];
  /** Told of each guess; may refuse it. */
  readonly onGuess?: (loginName: string) => void;
}

export const callTime = new Date("2026-11-21T08:00:00.000Z");

function draftOf(now: Date, principal: Principal | undefined): AuditDraft {
  const draft = draftAt(now, "test.called");
  draft.actor =
    principal === undefined
      ? { id: "", kind: "anonymous", sessionId: undefined, clientId: undefined }
      : { id: principal.id, kind: principal.kind, sessionId: principal.sessionId, clientId: principal.clientId };
  draft.subjectId = principal?.id;
  return draft;
}

export function fakeCall(options: FakeCallOptions = {}): Call {
  const { principal, now = callTime, unitOfWork = createFakeUnitOfWork(), address = "192.0.2.1" } = options;
  const { certificate, proofs = [] } = options;
  const audit = draftOf(now, principal);
  const grants = principal?.standing.grants ?? [];
  const scoped = (permission: string): boolean => principal !== undefined && inScope(principal.scopes, permission);
  return {
    principal,
    now,
    signal: options.signal ?? new AbortController().signal,
    requestId: "0198f000-0000-7000-8000-000000000001",
    peer: { address, userAgent: "test", certificate },
    possession: { proofs, httpMethod: "POST", path: "/test", certificate },
    audit,
    holds: (permission, resource) => scoped(permission) && granted(grants, permission, resource, now.getTime()),
    guess: async (loginName) => options.onGuess?.(loginName),
    visible: (permission, parent) =>
      scoped(permission) ? visibility(grants, permission, parent, now.getTime()) : { allow: [], deny: [] },
    commit: (work) => unitOfWork.commit(audit, work),
    commitTogether: (effect, input) => unitOfWork.commitTogether(audit, effect, input),
  };
}
