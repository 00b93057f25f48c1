// CreateGrant: what is refused before the database decides. Races and SQL are tested on the real one.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate, timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  CreateGrantRequestSchema,
  type CreateGrantResponse,
  Effect,
} from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateGrant } from "../../../../src/auth/grant/create-grant.ts";
import { type Row, UniqueViolation } from "../../../../src/kernel/database.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { alice, allow, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

const roles: Record<string, readonly string[]> = { admin: ["*"], viewer: ["secrets.read", "secrets.list"] };
const person = { kind: "person", state: "active", generation: 1 };
const held = (permissions: readonly string[], resource: string, effect = "allow"): Row => ({
  ...person,
  role: "r",
  permissions,
  resource,
  effect,
  expires_at: null,
});
const empty: Row = { ...person, role: null, permissions: null, resource: null, effect: null, expires_at: null };

interface Setup {
  /** What the database says of the caller now. */
  readonly now?: readonly Row[];
  readonly scopes?: readonly string[];
  readonly lasting?: readonly (readonly string[])[];
  readonly exists?: boolean;
}

async function give(request: MessageInitShape<typeof CreateGrantRequestSchema>, setup: Setup = {}) {
  const { now = [held(["*"], "")], scopes = ["*"], lasting = [[alice]], exists = false } = setup;
  const answers = [...lasting];
  const database = scriptedDatabase({
    "auth.role_permissions": ([role]) => (String(role) in roles ? [{ permissions: roles[String(role)] }] : []),
    "auth.standing": ([id]) => (id === alice ? now : id === bob ? [empty] : []),
    "auth.lasting_administrators": () => (answers.shift() ?? []).map((id) => ({ id })),
    "auth.insert_grant": () => {
      if (exists) throw new UniqueViolation("access_grant_once");
      return [];
    },
  });
  // What memory says of the caller: everything, maybe a second too old.
  const principal = principalOf({ grants: [allow("*", "")], scopes });
  const call = fakeCall({ principal, unitOfWork: database.unitOfWork });
  const message = create(CreateGrantRequestSchema, { principalId: `prn_${bob}`, role: "viewer", ...request });
  const outcome = await createCreateGrant()(message, call).catch((error: unknown) => error);
  return { outcome, database, audit: call.audit };
}

describe("CreateGrant", () => {
  it("P-02 gives, locks first, announces, and records what to whom", async () => {
    const { outcome, database, audit } = await give({ resource: "secrets/a" });
    expect((outcome as CreateGrantResponse).grant).toMatchObject({
      principalId: `prn_${bob}`,
      role: "viewer",
      resource: "secrets/a",
      effect: Effect.ALLOW,
      creatorId: `prn_${alice}`,
    });
    expect(database.asked[0]).toBe("auth.lock_access_changes");
    expect(database.announced).toEqual([
      { kind: "principal", key: bob, expiresAt: new Date(callTime.getTime() + 3_600_000) },
    ]);
    expect(audit.details).toEqual({ role: "viewer", resource: "secrets/a", effect: "allow", expire_time: null });
    expect(audit.resources.map(({ type }) => type)).toEqual(["grant", "principal"]);
  });

  it.each([
    ["a role that holds more", [held(["secrets.read"], "")], "viewer", ""],
    ["everything, by one who holds a part", [held(["*"], "secrets")], "admin", ""],
    ["a place above one's own", [held(["*"], "secrets/a")], "viewer", "secrets"],
    ["a neighbour that looks alike", [held(["*"], "secrets/a")], "viewer", "secrets/ab"],
    [
      "what holds a part that is denied",
      [held(["*"], ""), held(["secrets.read"], "secrets/a/b", "deny")],
      "viewer",
      "secrets/a",
    ],
    ["anything, once the own grant is gone", [empty], "viewer", "secrets/a"],
    ["anything, once disabled", [{ ...held(["*"], ""), state: "disabled" }], "viewer", "secrets/a"],
  ])("AZ-05 AZ-06 nobody grants what they lack: %s", async (_title, now, role, resource) => {
    for (const effect of [Effect.ALLOW, Effect.DENY]) {
      const { outcome, database } = await give({ role, resource, effect }, { now });
      expect(outcome).toMatchObject({ reason: "GRANT_EXCEEDS_OWN", code: 7 });
      expect(database.commits()).toBe(0);
    }
  });

  it("AZ-05 scopes narrow what can be granted", async () => {
    const narrow = { scopes: ["grants.create", "secrets.read"] };
    expect((await give({ resource: "secrets/a" }, narrow)).outcome).toMatchObject({ reason: "GRANT_EXCEEDS_OWN" });
    expect((await give({ role: "admin" }, narrow)).outcome).toMatchObject({ reason: "GRANT_EXCEEDS_OWN" });
    const wide = { scopes: ["grants.create", "secrets.read", "secrets.list"] };
    expect((await give({ resource: "secrets/a" }, wide)).outcome).toMatchObject({ grant: {} });
  });

  it("AZ-05 forbids nothing to the last administrator", async () => {
    const onSelf = { principalId: `prn_${alice}`, role: "viewer", resource: "secrets/a", effect: Effect.DENY };
    const refused = await give(onSelf, { lasting: [[alice], []] });
    expect(refused.outcome).toMatchObject({ reason: "LAST_ADMINISTRATOR", code: 9 });
    expect(refused.database.commits()).toBe(0);
    expect((await give(onSelf, { lasting: [[alice, bob], [bob]] })).outcome).toMatchObject({ grant: {} });
  });

  it("refuses an end that does not lie ahead, or beyond all calendars", async () => {
    for (const expireTime of [timestampFromDate(callTime), timestampFromMs(0), { seconds: 10n ** 13n, nanos: 0 }]) {
      expect((await give({ expireTime })).outcome).toMatchObject({
        reason: "REQUEST_INVALID",
        violations: [{ field: "expire_time" }],
      });
    }
  });

  it("refuses unknown roles and principals, and what is there already", async () => {
    expect((await give({ role: "root" })).outcome).toMatchObject({ reason: "ROLE_UNKNOWN" });
    const nobody = "prn_01890000-0000-7000-8000-0000000000ff";
    expect((await give({ principalId: nobody })).outcome).toMatchObject({ reason: "PRINCIPAL_NOT_FOUND" });
    expect((await give({}, { exists: true })).outcome).toMatchObject({ reason: "GRANT_EXISTS", code: 6 });
  });
});
