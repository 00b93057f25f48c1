// Bootstrap, invitations and registration on the real database: who gets in, once, however many try at once.
import { readdir, readFile, stat, symlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { DirectoryService } from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { afterEach, describe, expect, it } from "vitest";
import { createAdministratorRecovery } from "../../../src/auth/slice.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

const houses: House[] = [];
const hour = 3_600_000;

async function house(...options: Parameters<typeof openHouse>): Promise<House> {
  const opened = await openHouse(...options);
  houses.push(opened);
  return opened;
}

async function replicaOf(first: House): Promise<House> {
  const opened = await first.replica();
  houses.unshift(opened);
  return opened;
}

afterEach(async () => {
  for (const opened of houses.splice(0)) await opened.close();
});

async function issued(at: House): Promise<string> {
  return (await readFile((await at.slice.ensureBootstrapToken(at.clock.time)) ?? "", "utf8")).trim();
}

const use = (at: House, bootstrapToken: string, loginName = "root") =>
  at.call(AuthService.method.bootstrap, { bootstrapToken, loginName, password: goodPassword });

const count = async (at: House, table: string) =>
  Number((await at.database.asOwner<{ n: number }>(`select count(*)::int as n from ${table}`))[0]?.n);

async function outcomes(attempts: readonly Promise<unknown>[]) {
  const settled = await Promise.allSettled(attempts);
  return {
    won: settled.filter(({ status }) => status === "fulfilled").length,
    reasons: new Set(settled.flatMap((one) => (one.status === "rejected" ? [one.reason.reason] : []))),
  };
}

describe("the bootstrap token", () => {
  it("PWD-22 lies in a file of its owner alone, and in the database as a keyed hash", async () => {
    const at = await house();
    const token = await issued(at);
    const path = join(at.dataDir, "bootstrap-token");
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect(await readdir(at.dataDir)).toEqual(["bootstrap-token"]);
    const [row] = await at.database.asOwner<{ token_hash: Buffer }>("select token_hash from bootstrap_token");
    expect(row?.token_hash).toHaveLength(32);
    expect(JSON.stringify(at.records)).not.toContain(token);
    expect(at.records.map(({ event }) => event)).toEqual(["authn.bootstrap_token_created"]);
  });

  it("PWD-22 makes an administrator once; its file goes, and a restart makes no other", async () => {
    const at = await house();
    const token = await issued(at);
    const { principalId, tokens } = await use(at, token);
    expect(tokens).toMatchObject({ scopes: ["*"], audience: "gatehouse" });
    expect((await at.principal(principalId)).standing).toMatchObject({ active: true, roles: ["admin"] });
    expect(await readdir(at.dataDir)).toEqual([]);
    await expect(use(at, token, "second")).rejects.toMatchObject({ reason: "BOOTSTRAP_REFUSED" });
    expect(await at.slice.ensureBootstrapToken(at.clock.time)).toBeUndefined();
    expect(await count(at, "person")).toBe(1);
  });

  it("PWD-22 CVE-2026-107276 makes one administrator when 20 use it at once", async () => {
    const at = await house({ loginQueue: 100 });
    const token = await issued(at);
    const { won, reasons } = await outcomes(Array.from({ length: 20 }, (_, n) => use(at, token, `root${n}`)));
    expect([won, reasons]).toEqual([1, new Set(["BOOTSTRAP_REFUSED"])]);
    expect([await count(at, "person"), await count(at, "access_grant"), await count(at, "session")]).toEqual([1, 1, 1]);
  });

  it("PWD-22 dies after an hour", async () => {
    const at = await house();
    const token = await issued(at);
    at.clock.time = new Date(at.clock.time.getTime() + hour);
    await expect(use(at, token)).rejects.toMatchObject({ reason: "BOOTSTRAP_REFUSED" });
    for (const sweep of at.slice.sweeps) await sweep.run(at.clock.time);
    expect(await readdir(at.dataDir)).toEqual([]);
  });

  it("PWD-22 lives until the hour is over, and its file with it", async () => {
    const at = await house();
    const token = await issued(at);
    at.clock.time = new Date(at.clock.time.getTime() + hour - 1);
    for (const sweep of at.slice.sweeps) await sweep.run(at.clock.time);
    expect(await readdir(at.dataDir)).toEqual(["bootstrap-token"]);
    await expect(use(at, token)).resolves.toMatchObject({ tokens: {} });
  });

  it("PWD-22 is made anew at a restart, and the older one dies", async () => {
    const at = await house();
    const older = await issued(at);
    const newer = await issued(at);
    await expect(use(at, older)).rejects.toMatchObject({ reason: "BOOTSTRAP_REFUSED" });
    await expect(use(at, newer)).resolves.toMatchObject({ tokens: {} });
  });

  it("PWD-22 is taken by any replica, and no replica's own survives it", async () => {
    const first = await house();
    const second = await replicaOf(first);
    const dead = await issued(first);
    const token = await issued(second);
    await use(first, token);
    await expect(use(second, dead, "other")).rejects.toMatchObject({ reason: "BOOTSTRAP_REFUSED" });
    for (const sweep of first.slice.sweeps) await sweep.run(first.clock.time);
    for (const sweep of second.slice.sweeps) await sweep.run(second.clock.time);
    expect([await readdir(first.dataDir), await readdir(second.dataDir)]).toEqual([[], []]);
  });

  it.each(["", "x", `ghb_${"A".repeat(43)}`, "ghb_' or true --"])("P-04 PWD-22 refuses %j", async (token) => {
    const at = await house();
    await issued(at);
    await expect(use(at, token)).rejects.toMatchObject({ reason: "BOOTSTRAP_REFUSED" });
  });

  it("is not written through a link that lies where it goes", async () => {
    const at = await house();
    const target = join(at.dataDir, "elsewhere");
    await writeFile(target, "untouched");
    await symlink(target, join(at.dataDir, "bootstrap-token"));
    await issued(at);
    expect(await readFile(target, "utf8")).toBe("untouched");
  });
});

describe("recovery", () => {
  it("makes a new administrator although there is one, once, and is recorded", async () => {
    const at = await house();
    await bootstrap(at);
    const { reader } = at.database;
    const recovery = createAdministratorRecovery({
      reader,
      unitOfWork: at.unitOfWork,
      macs: at.keys.macs,
      dataDir: at.dataDir,
    });
    const token = (await readFile(await recovery.recover(at.clock.time), "utf8")).trim();
    expect(at.records.at(-1)?.event).toBe("authn.recovery_token_created");
    // A server that starts meanwhile leaves the file in peace.
    expect(await at.slice.ensureBootstrapToken(at.clock.time)).toBeUndefined();
    expect(await readdir(at.dataDir)).toEqual(["bootstrap-token"]);
    const { won, reasons } = await outcomes(Array.from({ length: 20 }, (_, n) => use(at, token, `rescuer${n}`)));
    expect([won, reasons]).toEqual([1, new Set(["BOOTSTRAP_REFUSED"])]);
    const principalId = at.records.findLast(({ details }) => details.token === "recovery")?.actor.id ?? "";
    expect((await at.principal(principalId)).standing.roles).toEqual(["admin"]);
    await expect(use(at, token, "again")).rejects.toMatchObject({ reason: "BOOTSTRAP_REFUSED" });
  });
});

describe("registration", () => {
  const register = (at: House, loginName: string, invitation = "", password = goodPassword) =>
    at.call(AuthService.method.register, { loginName, password, invitation, displayName: "Some One" });

  async function invited(at: House): Promise<{ invitation: string; admin: Awaited<ReturnType<typeof bootstrap>> }> {
    const admin = await bootstrap(at);
    const { invitation } = await at.call(DirectoryService.method.createInvitation, {}, admin.caller);
    return { invitation, admin };
  }

  it("makes a person who holds nothing, sealed at rest", async () => {
    const at = await house();
    const { invitation } = await invited(at);
    const { principalId } = await register(at, "Alice.Example", invitation);
    expect((await at.principal(principalId)).standing).toMatchObject({ active: true, roles: [], grants: [] });
    const dump = JSON.stringify([
      await at.database.asOwner("select * from person"),
      await at.database.asOwner("select * from invitation"),
      await at.database.asOwner("select * from audit_event"),
    ]);
    const bytes = Buffer.from(dump).toString() + dumpAsText(dump);
    for (const secret of ["Alice.Example", "alice.example", "Some One", goodPassword, "argon2", invitation]) {
      expect(bytes).not.toContain(secret);
    }
  });

  it("P-06 PWD-17 seals profile and password for their person alone", async () => {
    const at = await house();
    const { invitation, admin } = await invited(at);
    const { principalId } = await register(at, "alice", invitation);
    const id = principalId.slice(4);
    const [row] = await at.database.asOwner<{ profile: Buffer }>("select profile from person where principal_id = $1", [
      id,
    ]);
    const profile = await at.keys.subjects.open(id, { kind: "person.profile", id }, row?.profile ?? Buffer.of());
    expect(JSON.parse(profile?.toString() ?? "")).toEqual({ login_name: "alice", display_name: "Some One" });
    // Whoever writes the database cannot lend one person's password to another.
    await at.database.asOwner(
      "update person set password = (select password from person where principal_id = $1) where principal_id = $2",
      [id, admin.principalId.slice(4)],
    );
    const login = at.call(AuthService.method.login, { loginName: "root", password: goodPassword });
    await expect(login).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
  });

  it("CVE-2026-107276 20 parallel uses of one invitation make one person", async () => {
    const at = await house({ loginQueue: 100 });
    const { invitation } = await invited(at);
    const { won, reasons } = await outcomes(
      Array.from({ length: 20 }, (_, n) => register(at, `alice${n}`, invitation)),
    );
    expect([won, reasons]).toEqual([1, new Set(["INVITATION_INVALID"])]);
    expect(await count(at, "person")).toBe(2);
    expect(await count(at, "subject_key where subject not like 'unattributed%'")).toBe(2);
  });

  it("PWD-21 an invitation dies when it expires, when it is used, and with the standing of its maker", async () => {
    const at = await house();
    const { invitation, admin } = await invited(at);
    const [start, refused] = [at.clock.time, { reason: "INVITATION_INVALID" }];
    at.clock.time = new Date(start.getTime() + 72 * hour);
    await expect(register(at, "alice", invitation)).rejects.toMatchObject(refused);
    at.clock.time = start;
    await at.database.asOwner("update principal set state = 'disabled' where id = $1", [admin.principalId.slice(4)]);
    await expect(register(at, "alice", invitation)).rejects.toMatchObject(refused);
    await at.database.asOwner("update principal set state = 'active'");
    await register(at, "alice", invitation);
    await expect(register(at, "bob", invitation)).rejects.toMatchObject(refused);
  });

  it("a taken name leaves the invitation unused and nothing behind", async () => {
    const at = await house();
    const { invitation } = await invited(at);
    await expect(register(at, "ＲＯＯＴ", invitation)).rejects.toMatchObject({ reason: "LOGIN_NAME_TAKEN" });
    expect([await count(at, "principal"), await count(at, "person")]).toEqual([1, 1]);
    await expect(register(at, "alice", invitation)).resolves.toMatchObject({ principalId: expect.any(String) });
  });

  it("20 people who want one name at once are one person", async () => {
    const at = await house({ registration: "open", loginQueue: 100 });
    const { won, reasons } = await outcomes(Array.from({ length: 20 }, () => register(at, "alice")));
    expect([won, reasons]).toEqual([1, new Set(["LOGIN_NAME_TAKEN"])]);
    expect([await count(at, "principal"), await count(at, "subject_key")]).toEqual([1, 1]);
  });

  it("PWD-06 PWD-07 M-05 P-01 refuses weak passwords with the reason, and takes good ones of 8 characters", async () => {
    const at = await house({ registration: "open" });
    for (const [password, description] of [
      ["short", /at least 8/],
      ["password1", /common/],
      ["gatehouse-2026", /made of/],
      ["alicealice", /made of/],
      ["aaaaaaaaaaaa", /easy to guess/],
      ["x".repeat(1_025), /at most 1024 bytes/],
    ] as const) {
      const violations = [{ field: "password", description: expect.stringMatching(description) }];
      await expect(register(at, "alice", "", password)).rejects.toMatchObject({
        reason: "PASSWORD_UNACCEPTABLE",
        violations,
      });
    }
    await expect(register(at, "alice", "", "qk7vmz2x")).resolves.toMatchObject({ principalId: expect.any(String) });
  });
});

/** What JSON shows of a Buffer, as the text that it holds. */
function dumpAsText(json: string): string {
  const texts: string[] = [];
  JSON.parse(json, (_key, value: { type?: string; data?: number[] }) => {
    if (value?.type === "Buffer" && value.data !== undefined) texts.push(Buffer.from(value.data).toString("latin1"));
    return value;
  });
  return texts.join("\n");
}
