// A complete audit draft, of which a test says only what it is about.
import type { AuditDraft } from "../../src/kernel/audit.ts";
import { uuidv7 } from "../../src/kernel/ids.ts";
import { alice } from "./principal.ts";

const draftTime = new Date("2026-11-21T07:00:00.123Z");

export function draftOf(given: Partial<AuditDraft> = {}): AuditDraft {
  const occurredAt = given.occurredAt ?? draftTime;
  return {
    eventId: uuidv7(occurredAt),
    occurredAt,
    event: "secret.read",
    category: "DATA_ACCESS",
    outcome: "SUCCESS",
    reason: undefined,
    grpcCode: 0,
    method: "gatehouse.secrets.v1.SecretsService/GetSecret",
    requestId: "0a0b0c0d-0000-4000-8000-000000000000",
    actor: { id: alice, kind: "person", sessionId: "01890000-0000-7000-8000-0000000000aa", clientId: "cli" },
    subjectId: alice,
    personal: { address: "192.0.2.7", userAgent: "grpcurl/1.9" },
    resources: [{ type: "secret", uid: "team-a/db", version: 3 }],
    details: {},
    ...given,
  };
}
