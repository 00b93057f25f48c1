// Grants on the real database: escalation, the last administrator, and what happens at the same time.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { type CreateGrantRequest, Effect, GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { granted, type Principal } from "../../../src/kernel/principal.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
let root: { principalId: string; caller: Principal };
beforeEach(async () => {
  house = await openHouse({ registration: "open" });
  root = await bootstrap(house);
});
afterEach(() => house.close());

async function person(loginName: string): Promise<string> {
  return (await house.call(AuthService.method.register, { loginName, password: goodPassword })).principalId;
}

type Wanted = Partial<Pick<CreateGrantRequest, "resource" | "effect" | "expireTime">>;

async function give(caller: Principal, principalId: string, role: string, more: Wanted = {}): Promise<string> {
  const { grant } = await house.call(GrantService.method.createGrant, { principalId, role, ...more }, caller);
  return grant?.grantId ?? "";
}

const take = (caller: Principal, grantId: string) => house.call(GrantService.method.deleteGrant, { grantId }, caller);
const grantsOf = async (principalId: string, caller = root.caller) =>
  (await house.call(GrantService.method.listGrants, { principalId }, caller)).grants;
const soon = () => timestampFromDate(new Date(house.clock.time.getTime() + 60_000));
const lastStays = { reason: "LAST_ADMINISTRATOR", code: 9 };
const exceeds = { reason: "GRANT_EXCEEDS_OWN", code: 7 };

describe("granting", () => {
  it("P-02 T-01 works at once, is announced, and is listed oldest first", async () => {
    const alice = await person("alice");
    const viewer = await give(root.caller, alice, "viewer", { resource: "secrets/a" });
    house.clock.time = new Date(house.clock.time.getTime() + 1);
    const deny = await give(root.caller, alice, "viewer", { resource: "secrets/a/b", effect: Effect.DENY });
    const { standing } = await house.principal(alice);
    const now = house.clock.time.getTime();
    expect(granted(standing.grants, "secrets.read", "secrets/a/c", now)).toBe(true);
    expect(granted(standing.grants, "secrets.read", "secrets/a/b", now)).toBe(false);
    expect(standing.roles).toEqual(["viewer"]);
    expect((await grantsOf(alice)).map(({ grantId }) => grantId)).toEqual([viewer, deny]);
    expect(house.database.committed.filter(({ key }) => key === alice.slice(4))).toHaveLength(2);
    await take(root.caller, viewer);
    expect((await house.principal(alice)).standing.roles).toEqual([]);
  });

  it("is once; what has expired makes way", async () => {
    const alice = await person("alice");
    await give(root.caller, alice, "viewer", { expireTime: soon() });
    await expect(give(root.caller, alice, "viewer")).rejects.toMatchObject({ reason: "GRANT_EXISTS" });
    house.clock.time = new Date(house.clock.time.getTime() + 60_000);
    await give(root.caller, alice, "viewer");
    expect(await grantsOf(alice)).toHaveLength(1);
  });

  it("AZ-05 a prefix administrator grants inside the prefix and nowhere else", async () => {
    const [lead, member] = [await person("lead"), await person("member")];
    await give(root.caller, lead, "admin", { resource: "secrets/a" });
    const caller = await house.principal(lead);
    await give(caller, member, "editor", { resource: "secrets/a/b" });
    for (const resource of ["", "secrets", "secrets/b", "secrets/ab"]) {
      await expect(give(caller, member, "viewer", { resource })).rejects.toMatchObject(exceeds);
      await expect(give(caller, lead, "admin", { resource })).rejects.toMatchObject(exceeds);
    }
  });

  it("AZ-05 a stale memory of rights gives nothing: the transaction asks again", async () => {
    const [second, alice] = [await person("second"), await person("alice")];
    const own = await give(root.caller, second, "admin");
    const stale = await house.principal(second);
    await take(root.caller, own);
    await expect(give(stale, alice, "viewer")).rejects.toMatchObject(exceeds);
    const [rootGrant] = await grantsOf(root.principalId);
    await expect(take(stale, rootGrant?.grantId ?? "")).rejects.toMatchObject({ reason: "GRANT_NOT_FOUND" });
  });

  it("AZ-05 who is kept out of a part can neither give the whole nor lift the ban", async () => {
    const [lead, friend] = [await person("lead"), await person("friend")];
    await give(root.caller, lead, "admin", { resource: "secrets" });
    const ban = await give(root.caller, lead, "viewer", { resource: "secrets/board", effect: Effect.DENY });
    const caller = await house.principal(lead);
    await expect(give(caller, friend, "viewer", { resource: "secrets" })).rejects.toMatchObject(exceeds);
    await expect(give(caller, friend, "viewer", { resource: "secrets/board/x" })).rejects.toMatchObject(exceeds);
    await give(caller, friend, "viewer", { resource: "secrets/open" });
    await expect(take(caller, ban)).rejects.toMatchObject(exceeds);
    await take(root.caller, ban);
  });

  it("P-04 takes hostile text for text", async () => {
    const role = "admin' or '1'='1";
    await expect(give(root.caller, root.principalId, role)).rejects.toMatchObject({ reason: "ROLE_UNKNOWN" });
  });
});

describe("the last administrator", () => {
  it("AZ-05 stays: not taken, not banned, not replaced by one who will end", async () => {
    const [own] = await grantsOf(root.principalId);
    await expect(take(root.caller, own?.grantId ?? "")).rejects.toMatchObject(lastStays);
    for (const [role, resource] of [
      ["admin", ""],
      ["viewer", "secrets/a"],
    ] as const) {
      const ban = give(root.caller, root.principalId, role, { resource, effect: Effect.DENY });
      await expect(ban).rejects.toMatchObject(lastStays);
    }
    await give(root.caller, await person("brief"), "admin", { expireTime: soon() });
    await give(root.caller, await person("local"), "admin", { resource: "secrets" });
    await expect(take(root.caller, own?.grantId ?? "")).rejects.toMatchObject(lastStays);
    const second = await person("second");
    await give(root.caller, second, "admin");
    await take(root.caller, own?.grantId ?? "");
    expect((await house.principal(root.principalId)).standing.roles).toEqual([]);
  });

  it("AZ-05 is not counted while disabled", async () => {
    const second = await person("second");
    await give(root.caller, second, "admin");
    await house.database.asOwner("update principal set state = 'disabled' where id = $1", [second.slice(4)]);
    const [own] = await grantsOf(root.principalId);
    await expect(take(root.caller, own?.grantId ?? "")).rejects.toMatchObject(lastStays);
  });

  it("AZ-05 stays when two administrators take each other's grant at once, again and again", async () => {
    for (let round = 0; round < 8; round += 1) {
      const second = await person(`second${round}`);
      const theirs = await give(root.caller, second, "admin");
      const other = await house.principal(second);
      const [mine] = await grantsOf(root.principalId);
      const settled = await Promise.allSettled([take(root.caller, theirs), take(other, mine?.grantId ?? "")]);
      expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      const [standing] = await Promise.all([house.principal(root.principalId)]);
      if (standing.standing.roles.length === 0) {
        await give(other, root.principalId, "admin");
        await take(await house.principal(root.principalId), theirs);
      }
    }
  });

  it("AZ-05 stays when ten administrators give up at once", async () => {
    const grants = [{ grantId: (await grantsOf(root.principalId))[0]?.grantId ?? "", caller: root.caller }];
    for (let number = 0; number < 9; number += 1) {
      const id = await person(`admin${number}`);
      const grantId = await give(root.caller, id, "admin");
      grants.push({ grantId, caller: await house.principal(id) });
    }
    const settled = await Promise.allSettled(grants.map(({ grantId, caller }) => take(caller, grantId)));
    const refused = settled.filter((one) => one.status === "rejected").map(({ reason }) => reason.reason);
    expect(refused).toEqual(["LAST_ADMINISTRATOR"]);
    const left = await house.database.asOwner("select 1 from access_grant where role = 'admin'");
    expect(left).toHaveLength(1);
  });
});

describe("ownership", () => {
  const own = async (principalId: string, resource: string) => {
    const { standing } = await house.principal(principalId);
    const draft = { ...house.records.at(-1)!, eventId: crypto.randomUUID() };
    await house.unitOfWork.commit(draft, (tx) => house.slice.ownership.own(tx, standing, resource, house.clock.time));
  };

  it("P-02 makes the creator editor, by nobody's grant", async () => {
    const alice = await person("alice");
    await own(alice, "secrets/mine");
    expect(await grantsOf(alice)).toMatchObject([{ role: "editor", resource: "secrets/mine", creatorId: "" }]);
    expect(house.database.committed.at(-1)).toMatchObject({ kind: "principal", key: alice.slice(4) });
  });

  it("is announced only when it gives what lasting grants do not give already", async () => {
    const alice = await person("alice");
    await give(root.caller, alice, "editor", { resource: "secrets/team" });
    const announced = async (resource: string) => {
      const before = house.database.committed.length;
      await own(alice, resource);
      return house.database.committed.length - before;
    };
    expect(await announced("secrets/team/db")).toBe(0);
    expect(await announced("secrets/other/db")).toBe(1);
    await give(root.caller, alice, "viewer", { resource: "secrets/team/denied", effect: Effect.DENY });
    expect(await announced("secrets/team/denied/db")).toBe(1);
    await give(root.caller, alice, "editor", { resource: "secrets/short", expireTime: soon() });
    expect(await announced("secrets/short/db")).toBe(1);
    const bob = await person("bob");
    await give(root.caller, bob, "admin", { resource: "secrets/team" });
    await own(bob, "secrets/team/first");
    expect(house.database.committed.at(-1)).toMatchObject({ key: bob.slice(4) });
  });

  it("P-02 holds once the grant that covered it is taken away", async () => {
    const alice = await person("alice");
    const grantId = await give(root.caller, alice, "editor", { resource: "secrets/team" });
    await own(alice, "secrets/team/db");
    await take(root.caller, grantId);
    const { standing } = await house.principal(alice);
    const may = (resource: string) => granted(standing.grants, "secrets.read", resource, house.clock.time.getTime());
    expect([may("secrets/team/db"), may("secrets/team/other")]).toEqual([true, false]);
  });

  it("outlasts an earlier grant of the same that would have ended", async () => {
    const alice = await person("alice");
    await give(root.caller, alice, "editor", { resource: "secrets/mine", expireTime: soon() });
    await own(alice, "secrets/mine");
    const grants = await grantsOf(alice);
    expect(grants).toHaveLength(1);
    expect(grants[0]?.expireTime).toBeUndefined();
  });
});

describe("standings", () => {
  it("P-13 follow what another replica did, once the feed has said so", async () => {
    const alice = (await person("alice")).slice(4);
    expect((await house.standings.of(alice))?.active).toBe(true);
    await house.database.asOwner("update principal set state = 'disabled', generation = 2 where id = $1", [alice]);
    expect(house.standings.peek(alice)?.active).toBe(true);
    house.slice.onFeed([{ kind: "principal", key: alice, expiresAt: house.clock.time }]);
    expect(await house.standings.of(alice)).toMatchObject({ active: false, generation: 2 });
  });

  it("answers nothing for who never was", async () => {
    expect(await house.standings.of("01890000-0000-7000-8000-0000000000ff")).toBeUndefined();
  });
});

it("AZ-02 CVE-2025-61928 no request of the slice names who acts", () => {
  const inputs = house.slice.bindings.flatMap(({ service }) => service.methods.map(({ input }) => create(input)));
  expect(
    inputs.flatMap((message) => Object.keys(message)).filter((name) => /^(user|actor|owner|creator)/.test(name)),
  ).toEqual([]);
});
