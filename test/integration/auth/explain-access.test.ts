// ExplainAccess on the real database: it names the grant that decides, and never says other than the chain would.
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { AccessDecision, Effect, GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { AccessConditions } from "../../../src/kernel/access-rule.ts";
import { everywhere, type Networks, parseNetworks } from "../../../src/kernel/networks.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
let root: { principalId: string; caller: Principal };
let conditions: { stepUpAgeMs: number | undefined; networks: Networks };

beforeEach(async () => {
  conditions = { stepUpAgeMs: undefined, networks: everywhere };
  const access: AccessConditions = {
    secondFactor: false,
    get stepUpAgeMs() {
      return conditions.stepUpAgeMs;
    },
    adminNetworks: () => conditions.networks,
  };
  house = await openHouse({ registration: "open" }, access);
  root = await bootstrap(house);
});
afterEach(() => house.close());

async function person(loginName: string): Promise<string> {
  return (await house.call(AuthService.method.register, { loginName, password: goodPassword })).principalId;
}

async function give(principalId: string, role: string, more: object = {}): Promise<string> {
  const { grant } = await house.call(GrantService.method.createGrant, { principalId, role, ...more }, root.caller);
  return grant?.grantId ?? "";
}

const explain = (request: object, caller = root.caller) =>
  house.call(GrantService.method.explainAccess, request, caller);
const getSecret = `${SecretsService.typeName}/GetSecret`;
const createGrant = `${GrantService.typeName}/CreateGrant`;
const { ALLOWED, NOT_GRANTED, DENIED } = AccessDecision;

describe("ExplainAccess", () => {
  it("P-02 names the grant that decides: one that gives, one that forbids, or none", async () => {
    const alice = await person("alice");
    const about = { principalId: alice, permission: "secrets.read", resource: "secrets/a/db" };
    expect(await explain(about)).toMatchObject({ decision: NOT_GRANTED, resource: "secrets/a/db" });
    expect((await explain(about)).decidingGrant).toBeUndefined();
    const allowing = await give(alice, "viewer", { resource: "secrets/a" });
    expect(await explain(about)).toMatchObject({
      decision: ALLOWED,
      scopeNarrows: true,
      decidingGrant: { grantId: allowing, role: "viewer", resource: "secrets/a", effect: Effect.ALLOW },
    });
    const denying = await give(alice, "viewer", { resource: "secrets/a/db", effect: Effect.DENY });
    expect(await explain(about)).toMatchObject({
      decision: DENIED,
      decidingGrant: { grantId: denying, effect: Effect.DENY },
    });
    expect(await explain({ ...about, resource: "secrets/a/other" })).toMatchObject({ decision: ALLOWED });
    expect(await explain({ ...about, permission: "secrets.write" })).toMatchObject({ decision: NOT_GRANTED });
  });

  it("P-02 knows of expiry and of principals that are disabled", async () => {
    const alice = await person("alice");
    const expireTime = timestampFromDate(new Date(house.clock.time.getTime() + 60_000));
    await give(alice, "viewer", { expireTime });
    const about = { principalId: alice, permission: "secrets.read", resource: "secrets/a" };
    expect(await explain(about)).toMatchObject({ decision: ALLOWED, decidingGrant: { expireTime } });
    house.clock.time = new Date(house.clock.time.getTime() + 60_000);
    expect(await explain(about)).toMatchObject({ decision: NOT_GRANTED });
    await house.database.asOwner("update principal set state = 'disabled' where id = $1", [alice.slice(4)]);
    expect(await explain(about)).toMatchObject({ decision: AccessDecision.PRINCIPAL_INACTIVE });
  });

  it("P-02 takes a method for its permission, and a listing for any part", async () => {
    const alice = await person("alice");
    await give(alice, "viewer", { resource: "secrets/a" });
    const caller = await house.principal(alice);
    const asked = { method: getSecret, resource: "secrets/a/db" };
    expect(await explain(asked, caller)).toMatchObject({ decision: ALLOWED, permission: "secrets.read" });
    expect(await explain({ method: getSecret }, caller)).toMatchObject({ decision: NOT_GRANTED, resource: "secrets" });
    const list = { method: `${SecretsService.typeName}/ListSecrets` };
    expect(await explain(list, caller)).toMatchObject({ decision: ALLOWED });
    expect(await explain({ method: `${GrantService.typeName}/DeleteGrant` }, caller)).toMatchObject({
      decision: NOT_GRANTED,
      permission: "grants.delete",
    });
  });

  it("AZ-02 tells a caller about its own token, network and age of login, by the rule of the chain", async () => {
    conditions = { stepUpAgeMs: 3_600_000, networks: everywhere };
    const narrow = await house.principal(root.principalId, ["audit.read"]);
    expect(await explain({ method: createGrant }, narrow)).toMatchObject({ decision: AccessDecision.SCOPE_MISSING });
    const old = { ...root.caller, authenticatedAt: new Date(house.clock.time.getTime() - 3_600_001) };
    expect(await explain({ method: createGrant }, old)).toMatchObject({
      decision: AccessDecision.STEP_UP_REQUIRED,
      stepUpAge: { seconds: 3_600n },
      networkNarrows: false,
    });
    conditions.networks = parseNetworks("10.0.0.0/8") ?? everywhere;
    expect(await explain({ method: createGrant }, root.caller)).toMatchObject({
      decision: AccessDecision.NETWORK_NOT_ALLOWED,
      networkNarrows: true,
    });
    expect(await explain({ method: createGrant, principalId: `${root.principalId}` }, old)).toMatchObject({
      decision: AccessDecision.NETWORK_NOT_ALLOWED,
    });
  });

  it("AZ-02 asks nobody for a grant about itself, as the chain does", async () => {
    const alice = await person("alice");
    const method = "gatehouse.auth.v1.SessionService/RevokeSession";
    conditions = { stepUpAgeMs: 3_600_000, networks: parseNetworks("10.0.0.0/8") ?? everywhere };
    const old = { ...(await house.principal(alice)), authenticatedAt: new Date(0) };
    expect(await explain({ method }, old)).toMatchObject({ decision: ALLOWED, resource: `principals/${alice}` });
    expect(await explain({ method, resource: `principals/${root.principalId}` }, old)).toMatchObject({
      decision: NOT_GRANTED,
    });
    expect(await explain({ method, principalId: alice })).toMatchObject({ decision: ALLOWED, networkNarrows: false });
    const narrow = await house.principal(alice, ["audit.read"]);
    expect(await explain({ method }, narrow)).toMatchObject({ decision: AccessDecision.SCOPE_MISSING });
  });

  it("AZ-02 says of others what would narrow them, not what narrows the one who asks", async () => {
    conditions = { stepUpAgeMs: 3_600_000, networks: parseNetworks("10.0.0.0/8") ?? everywhere };
    const second = await person("second");
    await give(second, "admin");
    const old = { ...root.caller, authenticatedAt: new Date(0) };
    expect(await explain({ method: createGrant, principalId: second }, old)).toMatchObject({
      decision: ALLOWED,
      scopeNarrows: true,
      networkNarrows: true,
      stepUpAge: { seconds: 3_600n },
    });
  });

  it("AZ-06 is not talked into an answer by odd questions", async () => {
    for (const [request, reason] of [
      [{}, "REQUEST_INVALID"],
      [{ permission: "secrets.read", method: getSecret }, "REQUEST_INVALID"],
      [{ permission: "*" }, "REQUEST_INVALID"],
      [{ method: getSecret, resource: "audit" }, "REQUEST_INVALID"],
      [{ method: "gatehouse.auth.v1.AuthService/Nothing" }, "METHOD_UNKNOWN"],
      [{ method: "constructor" }, "METHOD_UNKNOWN"],
      [{ principalId: "prn_01890000-0000-7000-8000-0000000000ff", permission: "secrets.read" }, "PRINCIPAL_NOT_FOUND"],
    ] as const) {
      await expect(explain(request)).rejects.toMatchObject({ reason });
    }
  });
});
