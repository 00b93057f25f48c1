// DeleteGrant: who may, and that the last administrator stays.
import { create } from "@bufbuild/protobuf";
import { DeleteGrantRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createDeleteGrant } from "../../../../src/auth/grant/delete-grant.ts";
import type { Row } from "../../../../src/kernel/database.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, allow, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

const grantId = "0198f000-0000-7000-8000-0000000000a1";
const grant: Row = {
  id: grantId,
  principal_id: bob,
  role: "viewer",
  resource: "secrets/a",
  effect: "allow",
  expires_at: null,
  created_at: new Date(0),
  created_by: alice,
};
const held = (permissions: readonly string[], resource: string, effect = "allow"): Row => ({
  kind: "person",
  state: "active",
  generation: 1,
  role: "r",
  permissions,
  resource,
  effect,
  expires_at: null,
});

interface Setup {
  readonly found?: Row | undefined;
  readonly now?: readonly Row[];
  readonly lasting?: readonly (readonly string[])[];
}

async function take(
  { found = grant, now = [held(["*"], "")], lasting = [[alice]] }: Setup = {},
  id = `grt_${grantId}`,
) {
  const answers = [...lasting];
  const database = scriptedDatabase({
    "auth.grant": ([asked]) => (asked === grantId ? [found] : []),
    "auth.standing": () => now,
    "auth.role_permissions": () => [{ permissions: ["secrets.read", "secrets.list"] }],
    "auth.lasting_administrators": () => (answers.shift() ?? []).map((one) => ({ id: one })),
  });
  const principal = principalOf({ grants: [allow("*", "")] });
  const call = fakeCall({ principal, unitOfWork: database.unitOfWork });
  const request = create(DeleteGrantRequestSchema, { grantId: id });
  const outcome = await createDeleteGrant()(request, call).catch((error: unknown) => error);
  return { outcome, database, audit: call.audit };
}

describe("DeleteGrant", () => {
  it("takes the grant, announces, and records whose and which", async () => {
    const { database, audit } = await take();
    expect(database.asked[0]).toBe("auth.lock_access_changes");
    expect(database.asked).toContain("auth.delete_grant");
    expect(database.announced).toMatchObject([{ kind: "principal", key: bob }]);
    expect(audit.resources).toEqual([
      { type: "grant", uid: `grt_${grantId}` },
      { type: "principal", uid: `prn_${bob}` },
    ]);
    expect(audit.details).toEqual({ role: "viewer", resource: "secrets/a", effect: "allow" });
  });

  it("AZ-02 a grant where the caller has no say is as absent as one that never was", async () => {
    const elsewhere = await take({ now: [held(["*"], "secrets/b")] });
    const absent = await take({}, "grt_0198f000-0000-7000-8000-0000000000ff");
    expect(elsewhere.outcome).toMatchObject({ reason: "GRANT_NOT_FOUND", code: 5, auditReason: "PERMISSION_DENIED" });
    expect(absent.outcome).toMatchObject({ reason: "GRANT_NOT_FOUND", auditReason: "GRANT_NOT_FOUND" });
    expect((elsewhere.outcome as Error).message).toBe((absent.outcome as Error).message);
    expect(elsewhere.database.commits() + absent.database.commits()).toBe(0);
  });

  it("AZ-05 a prohibition is lifted only by who holds what it forbids", async () => {
    const deny = { ...grant, principal_id: alice, effect: "deny" };
    const denied = [held(["*"], ""), held(["secrets.read"], "secrets/a", "deny")];
    expect((await take({ found: deny, now: denied })).outcome).toMatchObject({ reason: "GRANT_EXCEEDS_OWN" });
    expect((await take({ found: { ...deny, principal_id: bob } })).outcome).not.toBeInstanceOf(Error);
  });

  it("AZ-05 the last administrator stays", async () => {
    const own = { ...grant, principal_id: alice, role: "admin", resource: "" };
    const { outcome, database } = await take({ found: own, lasting: [[alice], []] });
    expect(outcome).toMatchObject({ reason: "LAST_ADMINISTRATOR", code: 9 });
    expect(database.commits()).toBe(0);
    expect((await take({ found: own, lasting: [[alice, bob], [bob]] })).outcome).not.toBeInstanceOf(Error);
    expect((await take({ found: own, lasting: [[alice], [alice]] })).outcome).not.toBeInstanceOf(Error);
  });
});
