// Service accounts and their keys on the real database: what nobody can give, what ends when, races, and what a dump holds.

import { timestampDate, timestampFromDate } from "@bufbuild/protobuf/wkt";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { Effect, GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { ServiceAccountService } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parseId, uuidv7 } from "../../../src/kernel/ids.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
let root: { principalId: string; caller: Principal };
beforeEach(async () => {
  house = await openHouse({ registration: "open" });
  root = await bootstrap(house);
});
afterEach(() => house.close());

const accounts = ServiceAccountService.method;
const { createGrant, createRole } = GrantService.method;
const day = 86_400_000;
const later = (ms: number) => new Date(house.clock.time.getTime() + ms);

async function account(displayName = "cart"): Promise<string> {
  const { serviceAccount } = await house.call(accounts.createServiceAccount, { displayName }, root.caller);
  return serviceAccount?.principalId ?? "";
}

async function person(loginName: string, ...grants: readonly [role: string, resource: string][]): Promise<Principal> {
  const { principalId } = await house.call(AuthService.method.register, { loginName, password: goodPassword });
  for (const [role, resource] of grants) await give(principalId, role, resource);
  return house.principal(principalId);
}

async function give(principalId: string, role: string, resource = "", effect = Effect.ALLOW): Promise<void> {
  await house.call(createGrant, { principalId, role, resource, effect }, root.caller);
  hear();
}

/** What replicas hear through the feed, which the house does not run. */
function hear(): void {
  house.slice.onFeed(house.database.committed);
}

async function key(principalId: string, more: object = {}, caller = root.caller) {
  const request = { principalId, displayName: "ci", ...more };
  const { apiKey, secret } = await house.call(accounts.createApiKey, request, caller);
  return { id: apiKey?.apiKeyId ?? "", secret, apiKey };
}

const verify = (text: string, now = house.clock.time) => house.machines.apiKeys.verify(text, now);
const dead = { reason: "CREDENTIAL_INVALID", message: "the credential is not accepted" };

describe("a service account", () => {
  it("holds nothing, is a principal like any other, and is on record with whoever made it", async () => {
    const id = await account();
    expect(await house.standings.fresh(parseId("principal", id) ?? "")).toMatchObject({
      kind: "service_account",
      active: true,
      grants: [],
    });
    const { serviceAccount } = await house.call(accounts.getServiceAccount, { principalId: id }, root.caller);
    expect(serviceAccount).toMatchObject({ principalId: id, displayName: "cart", disabled: false });
    expect(serviceAccount?.creatorId).toBe(root.principalId);
    expect(house.records.at(-1)).toMatchObject({ resources: [{ type: "principal", uid: id }] });
    await expect(
      house.call(accounts.getServiceAccount, { principalId: root.principalId }, root.caller),
    ).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
  });

  it("is listed page by page, oldest first", async () => {
    const made: string[] = [];
    for (const name of ["a", "b", "c"]) {
      house.clock.time = later(1);
      made.push(await account(name));
    }
    const first = await house.call(accounts.listServiceAccounts, { pageSize: 2 }, root.caller);
    const { nextPageToken: pageToken } = first;
    const rest = await house.call(accounts.listServiceAccounts, { pageSize: 2, pageToken }, root.caller);
    const ids = [...first.serviceAccounts, ...rest.serviceAccounts].map(({ principalId }) => principalId);
    expect([ids, rest.nextPageToken]).toEqual([made, ""]);
  });

  it("TOK-25 is dead with all its keys while it is stopped, and its tokens of before stay dead when it goes on", async () => {
    const id = await account();
    const { secret } = await key(id);
    const { standing } = await verify(secret);
    const set = (disabled: boolean) =>
      house.call(
        accounts.updateServiceAccount,
        { principalId: id, disabled, updateMask: { paths: ["disabled"] } },
        root.caller,
      );
    expect((await set(true)).serviceAccount?.disabled).toBe(true);
    hear();
    await expect(verify(secret)).rejects.toMatchObject({ ...dead, auditReason: "PRINCIPAL_DISABLED" });
    expect((await set(false)).serviceAccount?.disabled).toBe(false);
    hear();
    const again = await verify(secret);
    expect(again.standing.generation).toBe(standing.generation + 1);
  });

  it("leaves nothing behind that works when it is deleted, and its id is never another's", async () => {
    const id = await account();
    await give(id, "viewer", "secrets/shop");
    const { secret } = await key(id);
    await house.call(
      accounts.createWorkloadBinding,
      { principalId: id, workload: { case: "dnsName", value: "cart.internal" } },
      root.caller,
    );
    await verify(secret);
    await house.call(accounts.deleteServiceAccount, { principalId: id }, root.caller);
    hear();
    await expect(verify(secret)).rejects.toMatchObject(dead);
    const count = "select count(*)::integer as count from";
    for (const table of ["service_account", "api_key", "workload_binding"])
      expect(await house.database.asOwner(`${count} ${table}`)).toEqual([{ count: 0 }]);
    expect(await house.standings.of(parseId("principal", id) ?? "")).toMatchObject({ active: false, grants: [] });
    for (const method of [accounts.deleteServiceAccount, accounts.updateServiceAccount])
      await expect(house.call(method, { principalId: id, disabled: true }, root.caller)).rejects.toMatchObject({
        reason: "SERVICE_ACCOUNT_NOT_FOUND",
      });
  });
});

describe("an API key", () => {
  it("TOK-25 P-15 is shown once, speaks for its account with its scopes, and a dump of the database holds it nowhere", async () => {
    const id = await account();
    const { secret, apiKey } = await key(id, { scopes: ["secrets.read", "audit.append"] });
    expect(secret).toMatch(/^ghk_[0-9A-Za-z]{36}$/);
    expect(secret.startsWith(apiKey?.prefix ?? "-")).toBe(true);
    expect(await verify(secret)).toMatchObject({
      principalId: parseId("principal", id),
      keyId: parseId("apiKey", apiKey?.apiKeyId ?? ""),
      scopes: ["audit.append", "secrets.read"],
      expiresAt: undefined,
    });
    const { apiKeys } = await house.call(accounts.listApiKeys, { principalId: id }, root.caller);
    expect(apiKeys).toHaveLength(1);
    const rows = await house.database.asOwner("select to_jsonb(k) as row, token_hash::text as hash from api_key k");
    const told = JSON.stringify([rows, apiKeys, house.records], (_, value) =>
      typeof value === "bigint" ? String(value) : value,
    );
    // What the prefix shows is meant to be seen; nothing beyond it is.
    for (const form of [secret.slice(12), Buffer.from(secret).toString("hex"), Buffer.from(secret).toString("base64")])
      expect(told).not.toContain(form);
  });

  it("TOK-25 of no one is one bare answer: malformed, cut, of another kind, unknown, expired, revoked", async () => {
    const id = await account();
    const soon = { expireTime: timestampFromDate(later(60_000)) };
    const [expiring, revoked] = [await key(id, soon), await key(id)];
    await house.call(accounts.revokeApiKey, { principalId: id, apiKeyId: revoked.id }, root.caller);
    expect(await verify(expiring.secret, later(59_999))).toMatchObject({ expiresAt: later(60_000) });
    const wrong = [
      [expiring.secret, later(60_000)],
      [revoked.secret, later(0)],
      ["", later(0)],
      [expiring.secret.slice(0, -1), later(0)],
      [`${expiring.secret}\n`, later(0)],
      [expiring.secret.replace("ghk_", "ghc_"), later(0)],
      [expiring.secret.toLowerCase(), later(0)],
      [`ghk_${"0".repeat(36)}`, later(0)],
      ["' or true --", later(0)],
    ] as const;
    const answers = await Promise.all(wrong.map(([text, now]) => verify(text, now).catch((error: unknown) => error)));
    expect(new Set(answers.map((error) => JSON.stringify([(error as typeof dead).reason, String(error)]))).size).toBe(
      1,
    );
    for (const answer of answers) expect(answer).toMatchObject({ ...dead, violations: [], metadata: {} });
  });

  it("AZ-05 is made by nobody who lacks what it could do: by grant, by prohibition, by scope", async () => {
    const id = await account();
    await give(id, "editor", "secrets/shop");
    const narrow = { scopes: ["secrets.read", "secrets.list"] };
    const holder = await person("holder", ["editor", "secrets/shop"]);
    const viewer = await person("viewer", ["viewer", "secrets/shop"]);
    const elsewhere = await person("elsewhere", ["editor", "secrets/other"]);
    const kept = await person("kept", ["editor", "secrets/shop"]);
    await give(`prn_${kept.id}`, "viewer", "secrets/shop/till", Effect.DENY);
    const refused = { reason: "CREDENTIAL_EXCEEDS_OWN" };
    await expect(key(id, {}, viewer)).rejects.toMatchObject(refused);
    await expect(key(id, narrow, elsewhere)).rejects.toMatchObject(refused);
    await expect(key(id, narrow, await house.principal(kept.id))).rejects.toMatchObject(refused);
    await expect(key(id, {}, await house.principal(holder.id, ["secrets.read"]))).rejects.toMatchObject(refused);
    await expect(key(id, narrow, viewer)).resolves.toMatchObject({ secret: expect.stringMatching(/^ghk_/) });
    await expect(key(id, {}, holder)).resolves.toBeDefined();
    expect(await house.database.asOwner("select count(*)::integer as count from api_key")).toEqual([{ count: 2 }]);
  });

  it("AZ-05 is not escaped by rotation, nor by letting a stopped account go on", async () => {
    const id = await account();
    const made = await key(id);
    await give(id, "admin");
    const viewer = await person("viewer", ["viewer", ""]);
    const rotate = { principalId: id, apiKeyId: made.id };
    await expect(house.call(accounts.rotateApiKey, rotate, viewer)).rejects.toMatchObject({
      reason: "CREDENTIAL_EXCEEDS_OWN",
    });
    await house.call(accounts.updateServiceAccount, { principalId: id, disabled: true }, viewer);
    const resume = { principalId: id, disabled: false, updateMask: { paths: ["disabled"] } };
    await expect(house.call(accounts.updateServiceAccount, resume, viewer)).rejects.toMatchObject({
      reason: "CREDENTIAL_EXCEEDS_OWN",
    });
  });

  it("CVE-2025-61928 is another account's only by naming that account, whatever id the request holds", async () => {
    const [mine, victim] = [await account("mine"), await account("victim")];
    const stolen = await key(victim);
    for (const method of [accounts.rotateApiKey, accounts.revokeApiKey])
      await expect(house.call(method, { principalId: mine, apiKeyId: stolen.id }, root.caller)).rejects.toMatchObject({
        reason: "API_KEY_NOT_FOUND",
      });
    await expect(key(root.principalId)).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    await expect(key(`prn_${uuidv7(new Date())}`)).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    expect((await verify(stolen.secret)).principalId).toBe(parseId("principal", victim));
  });

  it("TOK-25 overlaps with its successor for as long as asked, and the successor lives as long as it was meant to", async () => {
    const id = await account();
    const old = await key(id, { scopes: ["secrets.read"], expireTime: timestampFromDate(later(90 * day)) });
    house.clock.time = later(80 * day);
    const request = { principalId: id, apiKeyId: old.id, overlap: { seconds: 3_600n, nanos: 0 } };
    const answer = await house.call(accounts.rotateApiKey, request, root.caller);
    expect(answer.apiKey).toMatchObject({ displayName: "ci", scopes: ["secrets.read"] });
    expect(answer.apiKey?.expireTime && timestampDate(answer.apiKey.expireTime)).toEqual(later(90 * day));
    expect(answer.replacedApiKey).toMatchObject({ apiKeyId: old.id, successorId: answer.apiKey?.apiKeyId });
    expect(await verify(answer.secret)).toMatchObject({ scopes: ["secrets.read"] });
    expect(await verify(old.secret, later(3_599_999))).toBeDefined();
    await expect(verify(old.secret, later(3_600_000))).rejects.toMatchObject(dead);
    await expect(house.call(accounts.rotateApiKey, request, root.caller)).rejects.toMatchObject({
      reason: "API_KEY_ENDED",
    });
  });

  it("TOK-25 has one successor when twenty rotate it at once, and no more live keys than there may be", async () => {
    const id = await account();
    const { id: apiKeyId } = await key(id);
    const rotations = await Promise.allSettled(
      Array.from({ length: 20 }, () => house.call(accounts.rotateApiKey, { principalId: id, apiKeyId }, root.caller)),
    );
    expect(rotations.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    const makings = await Promise.allSettled(Array.from({ length: 30 }, () => key(id)));
    expect(makings.filter(({ status }) => status === "fulfilled")).toHaveLength(18);
    const reasons = makings.flatMap((made) => (made.status === "rejected" ? made.reason.reason : []));
    expect(new Set(reasons)).toEqual(new Set(["API_KEY_LIMIT_REACHED"]));
  });

  it("TOK-25 that ends says so to every replica, so that what was issued for it dies too", async () => {
    const id = await account();
    const [revoked, replaced, overlapping] = [await key(id), await key(id), await key(id)];
    await house.call(accounts.revokeApiKey, { principalId: id, apiKeyId: revoked.id }, root.caller);
    const rotate = (apiKeyId: string, seconds: bigint) =>
      house.call(accounts.rotateApiKey, { principalId: id, apiKeyId, overlap: { seconds, nanos: 0 } }, root.caller);
    await rotate(replaced.id, 0n);
    await rotate(overlapping.id, 60n);
    await expect(verify(replaced.secret)).rejects.toMatchObject(dead);
    const ended = house.database.committed.filter(({ kind }) => kind === "credential").map(({ key }) => key);
    expect(ended).toEqual([revoked.id, replaced.id].map((text) => parseId("apiKey", text)));
    const toEnd = house.database.committed.filter(({ kind }) => kind === "credential_end").map(({ key }) => key);
    expect(toEnd).toEqual([`${parseId("apiKey", overlapping.id)}:${later(60_000).getTime()}`]);
  });

  it("TOK-25 tells when it was last used, coarsely, and never writes for it while it is checked", async () => {
    const id = await account();
    const { secret } = await key(id);
    const lastUse = async () => {
      const { apiKeys } = await house.call(accounts.listApiKeys, { principalId: id }, root.caller);
      return apiKeys[0]?.lastUseTime && timestampDate(apiKeys[0].lastUseTime);
    };
    await verify(secret, later(1_000));
    await verify(secret, later(2_000));
    expect(await lastUse()).toBeUndefined();
    for (const sweep of house.machines.sweeps) await sweep.run(later(3_000));
    expect(await lastUse()).toEqual(later(2_000));
    await expect(verify(secret.replace(/.$/, "_"), later(9_000))).rejects.toMatchObject(dead);
    for (const sweep of house.machines.sweeps) await sweep.run(later(9_000));
    expect(await lastUse()).toEqual(later(2_000));
  });

  it("is forgotten thirty days after it ended, and one that lives on is not", async () => {
    const id = await account();
    const [lasting, expired] = [await key(id), await key(id, { expireTime: timestampFromDate(later(day)) })];
    const revoked = await key(id);
    await house.call(accounts.revokeApiKey, { principalId: id, apiKeyId: revoked.id }, root.caller);
    const listed = async () =>
      (await house.call(accounts.listApiKeys, { principalId: id }, root.caller)).apiKeys.map(
        ({ apiKeyId }) => apiKeyId,
      );
    for (const sweep of house.machines.sweeps) await sweep.run(later(30 * day));
    expect((await listed()).toSorted()).toEqual([lasting.id, expired.id, revoked.id].toSorted());
    for (const sweep of house.machines.sweeps) await sweep.run(later(31 * day + 1));
    expect(await listed()).toEqual([lasting.id]);
  });

  it("AZ-05 is not slipped in while the caller's own rights are being taken away", async () => {
    await house.call(createRole, { name: "keeper", permissions: ["secrets.read"] }, root.caller);
    const id = await account();
    await give(id, "keeper", "secrets/shop");
    for (let round = 0; round < 10; round += 1) {
      const holder = await person(`holder-${round}`, ["keeper", "secrets/shop"]);
      const { grants } = await house.call(
        GrantService.method.listGrants,
        { principalId: `prn_${holder.id}` },
        root.caller,
      );
      const grantId = grants[0]?.grantId ?? "";
      const [made, taken] = await Promise.allSettled([
        key(id, {}, holder),
        house.call(GrantService.method.deleteGrant, { grantId }, root.caller),
      ]);
      expect(taken.status).toBe("fulfilled");
      if (made.status === "rejected") expect(made.reason).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
      await expect(key(id, {}, holder)).rejects.toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
      const { apiKeys } = await house.call(accounts.listApiKeys, { principalId: id }, root.caller);
      for (const { apiKeyId } of apiKeys)
        await house.call(accounts.revokeApiKey, { principalId: id, apiKeyId }, root.caller);
    }
  });
});
