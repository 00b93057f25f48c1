// Roles of the installation's own on the real database: who may change them, what never changes, and how fast a change
// reaches those who hold one.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { Effect, GrantService, type Role } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
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

const { createRole, updateRole, deleteRole, listRoles, createGrant, deleteGrant } = GrantService.method;

async function person(loginName: string): Promise<string> {
  return (await house.call(AuthService.method.register, { loginName, password: goodPassword })).principalId;
}

type Wanted = { readonly resource?: string; readonly effect?: Effect };

async function give(principalId: string, role: string, more: Wanted = {}): Promise<string> {
  const { grant } = await house.call(createGrant, { principalId, role, ...more }, root.caller);
  return grant?.grantId ?? "";
}

async function make(name: string, permissions: readonly string[], caller = root.caller): Promise<Role | undefined> {
  return (await house.call(createRole, { name, permissions: [...permissions] }, caller)).role;
}

const update = (name: string, permissions: readonly string[], caller = root.caller) =>
  house.call(updateRole, { name, permissions: [...permissions], updateMask: { paths: ["permissions"] } }, caller);

describe("a role of one's own", () => {
  it("P-02 gives what it holds and no more, and is listed among the built-in ones", async () => {
    expect(await make("reader", ["secrets.read", "secrets.list"])).toMatchObject({
      name: "reader",
      permissions: ["secrets.list", "secrets.read"],
      builtIn: false,
    });
    const alice = await person("alice");
    await give(alice, "reader", { resource: "secrets/a" });
    const { standing } = await house.principal(alice);
    const may = (permission: string) => granted(standing.grants, permission, "secrets/a/b", house.clock.time.getTime());
    expect([may("secrets.read"), may("secrets.write")]).toEqual([true, false]);
    const { roles } = await house.call(listRoles, {}, root.caller);
    expect(roles.map(({ name, builtIn }) => [name, builtIn])).toEqual([
      ["admin", true],
      ["auditor", true],
      ["editor", true],
      ["introspector", true],
      ["reader", false],
      ["viewer", true],
    ]);
    expect(house.records.find(({ resources }) => resources[0]?.type === "role")).toMatchObject({
      resources: [{ uid: "reader" }],
      details: { permissions: ["secrets.list", "secrets.read"] },
    });
  });

  it("AZ-08 is listed in pages", async () => {
    const first = await house.call(listRoles, { pageSize: 3 }, root.caller);
    const rest = await house.call(listRoles, { pageSize: 3, pageToken: first.nextPageToken }, root.caller);
    expect([...first.roles, ...rest.roles].map(({ name }) => name)).toEqual([
      "admin",
      "auditor",
      "editor",
      "introspector",
      "viewer",
    ]);
    expect(rest.nextPageToken).toBe("");
  });

  it.each([
    ["everything", ["*"]],
    ["what no contract names", ["secrets.read", "secrets.fly"]],
    ["a pattern", ["secrets.*"]],
    ["another spelling", ["Secrets.read"]],
    ["what is inherited by every object", ["constructor"]],
  ])("AZ-06 AZ-05 never holds %s", async (_what, permissions) => {
    await expect(make("odd", permissions)).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
    await make("plain", ["secrets.list"]);
    await expect(update("plain", permissions)).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
  });

  it("P-02 is refused by the database itself when it would hold everything or be built in", async () => {
    const refused = [
      ["insert into role (name, permissions) values ('x', '{*}')", /role_of_everything/],
      ["insert into role (name, permissions, builtin) values ('x', '{a}', true)", /permission denied/],
      ["update role set permissions = '{a.b}' where name = 'admin'", /never change/],
      ["delete from role where name = 'viewer'", /never change/],
      ["update role set builtin = false where name = 'admin'", /permission denied/],
    ] as const;
    for (const [index, [text, why]] of refused.entries()) {
      await expect(house.database.writer.write({ name: `test.role_${index}`, text }, [])).rejects.toMatchObject({
        cause: { message: expect.stringMatching(why) },
      });
    }
  });

  it("is made once, also by two at once", async () => {
    const made = await Promise.allSettled([make("twin", ["secrets.read"]), make("twin", ["secrets.list"])]);
    expect(made.map(({ status }) => status).toSorted()).toEqual(["fulfilled", "rejected"]);
    expect(made.find(({ status }) => status === "rejected")).toMatchObject({ reason: { reason: "ROLE_EXISTS" } });
    await expect(make("viewer", ["secrets.read"])).rejects.toMatchObject({ reason: "ROLE_EXISTS" });
  });

  it("AZ-08 is one of two hundred at most", async () => {
    await house.database.asOwner(
      "insert into role (name, permissions) select 'r' || i, '{secrets.read}' from generate_series(1, 195) i",
    );
    await expect(make("more", ["secrets.read"])).rejects.toMatchObject({ reason: "ROLE_LIMIT_REACHED" });
  });
});

describe("who may change roles", () => {
  it("AZ-05 nobody puts in, or takes out, what they lack on everything", async () => {
    const lead = await person("lead");
    await make("granter", ["roles.create", "roles.update", "secrets.read"]);
    await give(lead, "granter");
    const caller = await house.principal(lead);
    await expect(make("wide", ["secrets.read", "secrets.write"], caller)).rejects.toMatchObject({
      reason: "ROLE_EXCEEDS_OWN",
    });
    await make("narrow", ["secrets.read"], caller);
    await expect(update("narrow", ["secrets.read", "audit.read"], caller)).rejects.toMatchObject({
      reason: "ROLE_EXCEEDS_OWN",
    });
    await make("foreign", ["audit.read", "secrets.read"]);
    await expect(update("foreign", ["secrets.read"], caller)).rejects.toMatchObject({ reason: "ROLE_EXCEEDS_OWN" });
  });

  it("AZ-05 nobody widens the very role that they hold", async () => {
    const lead = await person("lead");
    await make("lead", ["roles.update", "secrets.read"]);
    await give(lead, "lead");
    const caller = await house.principal(lead);
    await expect(update("lead", ["roles.update", "secrets.read", "grants.create"], caller)).rejects.toMatchObject({
      reason: "ROLE_EXCEEDS_OWN",
    });
  });

  it("AZ-05 holding it on a part, or under a denial, is not holding it", async () => {
    const lead = await person("lead");
    await make("maker", ["roles.create"]);
    await give(lead, "maker");
    await give(lead, "viewer", { resource: "secrets/a" });
    await expect(make("part", ["secrets.read"], await house.principal(lead))).rejects.toMatchObject({
      reason: "ROLE_EXCEEDS_OWN",
    });
    await give(lead, "viewer");
    await give(lead, "viewer", { resource: "secrets/board", effect: Effect.DENY });
    await expect(make("part", ["secrets.read"], await house.principal(lead))).rejects.toMatchObject({
      reason: "ROLE_EXCEEDS_OWN",
    });
  });

  it("AZ-05 scopes narrow it, and a stale memory gives nothing", async () => {
    const narrow = await house.principal(root.principalId, ["roles.create"]);
    await expect(make("x", ["secrets.read"], narrow)).rejects.toMatchObject({ reason: "ROLE_EXCEEDS_OWN" });
    const second = await person("second");
    const own = await give(second, "admin");
    const stale = await house.principal(second);
    await house.call(deleteGrant, { grantId: own }, root.caller);
    await expect(make("x", ["secrets.read"], stale)).rejects.toMatchObject({ reason: "ROLE_EXCEEDS_OWN" });
  });

  it("P-02 built-in roles are changed by nobody", async () => {
    for (const name of ["admin", "viewer"]) {
      await expect(update(name, ["secrets.read"])).rejects.toMatchObject({ reason: "ROLE_BUILT_IN" });
      await expect(house.call(deleteRole, { name }, root.caller)).rejects.toMatchObject({ reason: "ROLE_BUILT_IN" });
    }
  });
});

describe("changing a role", () => {
  it.each([
    [["name"]],
    [["built_in"]],
    [["permissions", "update_time"]],
    [["builtIn"]],
    [["*"]],
    [["permissions.0"]],
    [["constructor"]],
  ])("AZ-03 a mask of %j reaches nothing", async (paths) => {
    await make("mine", ["secrets.read"]);
    const request = { name: "mine", permissions: ["secrets.list"], description: "new", updateMask: { paths } };
    await expect(house.call(updateRole, request, root.caller)).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
    const { roles } = await house.call(listRoles, {}, root.caller);
    expect(roles.find(({ name }) => name === "mine")).toMatchObject({ permissions: ["secrets.read"], description: "" });
  });

  it("AZ-03 a mask changes what it names and nothing else; without one, what is given", async () => {
    await make("mine", ["secrets.read"]);
    const both = { name: "mine", permissions: ["secrets.list"], description: "new" };
    const described = await house.call(updateRole, { ...both, updateMask: { paths: ["description"] } }, root.caller);
    expect(described.role).toMatchObject({ permissions: ["secrets.read"], description: "new" });
    expect(
      (await house.call(updateRole, { name: "mine", permissions: ["secrets.list"] }, root.caller)).role,
    ).toMatchObject({ permissions: ["secrets.list"], description: "new" });
    for (const request of [{ name: "mine" }, { name: "mine", updateMask: { paths: ["permissions"] } }]) {
      await expect(house.call(updateRole, request, root.caller)).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
    }
    await expect(update("nobody", ["secrets.read"])).rejects.toMatchObject({ reason: "ROLE_NOT_FOUND" });
  });

  it("P-13 reaches the memory of every replica that hears the feed, and only those who hold the role", async () => {
    const [alice, bob] = [await person("alice"), await person("bob")];
    await make("reader", ["secrets.read", "secrets.list"]);
    await give(alice, "reader");
    await give(bob, "viewer");
    await using replica = await disposable(house.replica());
    for (const { standings } of [house, replica.house]) {
      await Promise.all([standings.of(alice.slice(4)), standings.of(bob.slice(4))]);
    }
    await update("reader", ["secrets.list"]);
    const events = house.database.committed.filter(({ kind }) => kind === "role");
    expect(events).toMatchObject([{ kind: "role", key: "reader" }]);
    for (const { standings } of [house, replica.house]) {
      standings.onFeed(events);
      expect(standings.peek(alice.slice(4))).toBeUndefined();
      expect(standings.peek(bob.slice(4))).toBeDefined();
      const standing = await standings.of(alice.slice(4));
      expect(granted(standing?.grants ?? [], "secrets.read", "secrets/a", house.clock.time.getTime())).toBe(false);
      expect(granted(standing?.grants ?? [], "secrets.list", "secrets/a", house.clock.time.getTime())).toBe(true);
    }
  });
});

describe("deleting a role", () => {
  it("P-02 is refused while somebody holds it, given or denied, and works once nobody does", async () => {
    const alice = await person("alice");
    await make("reader", ["secrets.read"]);
    const held = await give(alice, "reader", { resource: "secrets/a", effect: Effect.DENY });
    const remove = () => house.call(deleteRole, { name: "reader" }, root.caller);
    await expect(remove()).rejects.toMatchObject({ reason: "ROLE_IN_USE", code: 9 });
    await house.call(deleteGrant, { grantId: held }, root.caller);
    await remove();
    await expect(remove()).rejects.toMatchObject({ reason: "ROLE_NOT_FOUND" });
    await expect(give(alice, "reader")).rejects.toMatchObject({ reason: "ROLE_UNKNOWN" });
  });

  it("P-02 and granting it at once end in one or the other, never in a grant of nothing", async () => {
    const alice = await person("alice");
    for (let round = 0; round < 6; round += 1) {
      const name = `r${round}`;
      await make(name, ["secrets.read"]);
      const [given, deleted] = await Promise.allSettled([
        give(alice, name),
        house.call(deleteRole, { name }, root.caller),
      ]);
      expect([given.status, deleted.status].toSorted()).toEqual(["fulfilled", "rejected"]);
    }
  });
});

async function disposable(opening: Promise<House>) {
  const opened = await opening;
  return { house: opened, [Symbol.asyncDispose]: () => opened.close() };
}
