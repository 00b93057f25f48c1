// Keeps a copy of each record as it stood when it was recorded, and can be told to fail.
import type { AuditDraft, AuditRecorder } from "../../src/kernel/audit.ts";
import { GatehouseError } from "../../src/kernel/errors.ts";

export interface FakeRecorder extends AuditRecorder {
  readonly drafts: readonly AuditDraft[];
  /** From now on nothing can be recorded. */
  break(): void;
}

export function createFakeRecorder(): FakeRecorder {
  const drafts: AuditDraft[] = [];
  let broken = false;
  return {
    drafts,
    break() {
      broken = true;
    },
    async record(draft) {
      if (broken) throw new GatehouseError("AUDIT_UNAVAILABLE");
      drafts.push(structuredClone(draft));
    },
  };
}
