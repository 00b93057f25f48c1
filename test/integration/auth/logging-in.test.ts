// Login, sessions and logout over the real database, keys and tokens.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { parseArgon2Phc } from "../../../src/auth/domain/phc.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
beforeAll(async () => {
  house = await openHouse({ registration: "open" });
});
afterAll(() => house.close());

const login = (loginName: string, password = goodPassword, more = {}, at = house) =>
  at.call(AuthService.method.login, { loginName, password, ...more });

async function person(loginName: string, password = goodPassword): Promise<string> {
  return (await house.call(AuthService.method.register, { loginName, password })).principalId;
}

async function phcOf(principalId: string) {
  const id = principalId.slice(4);
  const [row] = await house.database.asOwner<{ password: Buffer }>(
    "select password from person where principal_id = $1",
    [id],
  );
  const opened = house.keys.sealer.open("pepper", { kind: "person.password", id }, row?.password ?? Buffer.of());
  return parseArgon2Phc(opened.toString(), { memoryKib: 1_048_576, iterations: 10, parallelism: 16 });
}

async function withSession(principalId: string, sessionId: string): Promise<Principal> {
  return { ...(await house.principal(principalId)), sessionId: sessionId.slice(4) };
}

describe("logging in", () => {
  it("F-02 gives tokens of a session that is stored, under any form of the name", async () => {
    const id = await person("Zoë.Example");
    const { principalId, outcome } = await login("ZOE\u0308.EXAMPLE");
    expect(principalId).toBe(id);
    expect(outcome).toMatchObject({ case: "tokens", value: { refreshToken: expect.stringMatching(/^ghr_/) } });
    expect(house.records.at(-1)).toMatchObject({ outcome: "SUCCESS", subjectId: id.slice(4) });
  });

  it("PWD-05 takes a password in whichever way its characters were composed", async () => {
    await person("composed", "cafe\u0301 au lait 77");
    await expect(login("composed", "caf\u00e9 au lait 77")).resolves.toMatchObject({ outcome: { case: "tokens" } });
  });

  it("PWD-14 T-08 answers unknown, wrong and disabled alike, and stores nothing", async () => {
    const id = await person("disabled");
    await house.database.asOwner("update principal set state = 'disabled' where id = $1", [id.slice(4)]);
    await person("present");
    const before = await house.database.asOwner("select count(*) from session");
    const answers = await Promise.all(
      [login("absent"), login("present", "wrong"), login("disabled"), login("disabled", "wrong"), login("'; --")].map(
        (attempt) => attempt.catch(({ reason, message, code, metadata }) => ({ reason, message, code, metadata })),
      ),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect(answers[0]).toMatchObject({ reason: "LOGIN_FAILED" });
    expect(await house.database.asOwner("select count(*) from session")).toEqual(before);
  });

  it("PWD-18 M-04 hashes again with today's cost at the next login, and the password stays", async () => {
    const id = await person("upgraded");
    const dearer = await house.replica({ argon2: { memoryKib: 512, iterations: 2, parallelism: 1 } });
    expect(await phcOf(id)).toMatchObject({ memoryKib: 256, iterations: 1 });
    await expect(login("upgraded", "wrong", {}, dearer)).rejects.toMatchObject({ reason: "LOGIN_FAILED" });
    expect(await phcOf(id)).toMatchObject({ memoryKib: 256 });
    await login("upgraded", goodPassword, {}, dearer);
    expect(await phcOf(id)).toMatchObject({ memoryKib: 512, iterations: 2 });
    await expect(login("upgraded", goodPassword, {}, dearer)).resolves.toMatchObject({ outcome: { case: "tokens" } });
    // An older server in the fleet neither fails on the newer hash nor takes it back.
    await login("upgraded");
    expect(await phcOf(id)).toMatchObject({ memoryKib: 512 });
    await dearer.close();
  });

  it("PWD-20 T-08 turns excess logins away with a time to come back, and recovers", async () => {
    // Dear enough that the lane is full for as long as the others take to come to it.
    const small = await house.replica({ loginQueue: 2, argon2: { memoryKib: 65_536, iterations: 3, parallelism: 1 } });
    await small.call(AuthService.method.register, { loginName: "flooded", password: goodPassword });
    const settled = await Promise.allSettled(Array.from({ length: 60 }, () => login("flooded", "wrong", {}, small)));
    const reasons = settled.map((one) => (one.status === "rejected" ? one.reason : undefined));
    const busy = reasons.filter((error) => error?.reason === "LOGIN_BUSY");
    expect(busy.length).toBeGreaterThan(30);
    expect(busy.every((error) => error.code === 8 && error.retryAfterMs > 0)).toBe(true);
    expect(reasons.every((error) => error?.reason === "LOGIN_BUSY" || error?.reason === "LOGIN_FAILED")).toBe(true);
    await expect(login("flooded", goodPassword, {}, small)).resolves.toMatchObject({ outcome: { case: "tokens" } });
    await small.close();
  });

  it("narrows to scopes, and refuses an audience that is not served", async () => {
    await person("narrowed");
    const { outcome } = await login("narrowed", goodPassword, { scopes: ["secrets.read"] });
    expect(outcome.value?.scopes).toEqual(["secrets.read"]);
    await expect(login("narrowed", goodPassword, { audience: "elsewhere" })).rejects.toMatchObject({
      reason: "AUDIENCE_UNKNOWN",
    });
  });
});

describe("sessions", () => {
  it("F-10 are one for each device, listed newest first with their sealed names opened, and ended one by one", async () => {
    const id = await person("devices");
    const sessions: string[] = [];
    for (const deviceName of ["phone", "laptop", "tablet"]) {
      house.clock.time = new Date(house.clock.time.getTime() + 1_000);
      const { outcome } = await login("devices", goodPassword, { deviceName });
      sessions.unshift(outcome.value?.sessionId ?? "");
    }
    const before = house.database.committed.length;
    const caller = await withSession(id, sessions[0] ?? "");
    const list = async () => (await house.call(SessionService.method.listSessions, {}, caller)).sessions;
    expect((await list()).map(({ sessionId }) => sessionId)).toEqual(sessions);
    expect((await list()).map(({ deviceName }) => deviceName)).toEqual(["tablet", "laptop", "phone"]);
    expect((await list()).map(({ current }) => current)).toEqual([true, false, false]);

    const revoke = () => house.call(SessionService.method.revokeSession, { sessionId: sessions[1] ?? "" }, caller);
    await revoke();
    await expect(revoke()).rejects.toMatchObject({ reason: "SESSION_NOT_FOUND" });
    await house.call(AuthService.method.logout, {}, caller);
    expect((await list()).map(({ deviceName }) => deviceName)).toEqual(["phone"]);
    const events = house.database.committed.slice(before);
    const ended = events.filter(({ kind }) => kind === "session").map(({ key }) => `ses_${key}`);
    expect(ended).toEqual([sessions[1], sessions[0]]);
  });

  it("AZ-02 AZ-08 belong to their owner, page by page", async () => {
    const [mine, theirs] = [await person("mine"), await person("theirs")];
    for (let number = 0; number < 3; number += 1) {
      house.clock.time = new Date(house.clock.time.getTime() + 1_000);
      await login("mine");
    }
    const { outcome } = await login("theirs");
    const caller = await house.principal(mine);
    const foreign = { sessionId: outcome.value?.sessionId ?? "" };
    await expect(house.call(SessionService.method.revokeSession, foreign, caller)).rejects.toMatchObject({
      reason: "SESSION_NOT_FOUND",
    });
    const first = await house.call(SessionService.method.listSessions, { pageSize: 2 }, caller);
    const { nextPageToken: pageToken } = first;
    const second = await house.call(SessionService.method.listSessions, { pageSize: 2, pageToken }, caller);
    expect(new Set([...first.sessions, ...second.sessions].map(({ sessionId }) => sessionId)).size).toBe(3);
    expect(second.nextPageToken).toBe("");
    const stolen = house.call(SessionService.method.listSessions, { pageToken }, await house.principal(theirs));
    await expect(stolen).rejects.toMatchObject({ reason: "PAGE_TOKEN_INVALID" });
  });
});

describe("the trail", () => {
  it("P-12 holds who logged in, registered and logged out, with nothing personal in clear", async () => {
    const admin = await bootstrap(house, "trail.keeper");
    const { outcome } = await login("trail.keeper", goodPassword, { deviceName: "canary-device" });
    await house.call(
      AuthService.method.logout,
      {},
      await withSession(admin.principalId, outcome.value?.sessionId ?? ""),
    );
    const mine = house.records.filter(({ actor }) => actor.id === admin.principalId.slice(4));
    expect(mine.map(({ resources }) => resources.map(({ type }) => type))).toEqual([
      ["principal", "grant"],
      ["session"],
      ["session"],
    ]);
    const clear = await house.database.asOwner<{ clear: string }>(
      "select convert_from(entry, 'utf8') || event || coalesce(resource_uid, '') as clear from audit_event",
    );
    expect(clear.length).toBeGreaterThan(3);
    for (const { clear: text } of clear) expect(text).not.toMatch(/trail\.keeper|canary-device|mellon|192\.0\.2/);
  });
});
