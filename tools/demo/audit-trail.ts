// The last part: what happened is on record, refusals included.
import { type Event, Outcome } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { expect } from "./narrator.ts";
import type { Run } from "./story.ts";

/** What the person did, and how it ended, as `event` or `event REASON`. */
const did = [
  "authn.login",
  "secret.read PERMISSION_DENIED",
  "secret.read",
  "secret.written",
  "secret.written SECRET_VERSION_CONFLICT",
  "token.refreshed",
  "authn.logout",
];

function told({ event, outcome, reason }: Event): string {
  return outcome === Outcome.SUCCESS ? event : `${event} ${reason}`;
}

export async function tellTrail({ administrator, narrator, folder }: Run, principalId: string): Promise<void> {
  await narrator.step("The administrator asks the audit trail for what the person did", async () => {
    const { events } = await administrator.audit.queryEvents({ filter: { actorId: principalId }, pageSize: 100 });
    const seen = new Set(events.map(told));
    const missing = did.filter((each) => !seen.has(each));
    expect(missing.length === 0, `missing: ${missing.join(", ")}; on record: ${[...seen].join(", ")}`);
    return { seen: `${events.length} events, among them ${did.join(", ")}`, value: undefined };
  });
  await narrator.step("The administrator asks for what happened to the secret", async () => {
    const filter = { resourceUid: `${folder}/database` };
    const { events } = await administrator.audit.queryEvents({ filter, pageSize: 100 });
    const reads = events.map(told).filter((each) => each === "secret.read");
    const writes = events.map(told).filter((each) => each === "secret.written");
    expect(
      writes.length === 1 && reads.length === 2,
      `${writes.length} writes and ${reads.length} reads are on record`,
    );
    return { seen: "written once, read twice", value: undefined };
  });
}
