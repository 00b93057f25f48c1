// A changed password on the real database, keys and tokens: what ends, what goes on, and who comes in between.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { ClientService, SenderConstraint } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { ServiceAccountService } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { TokenKind, TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { TokenSet } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { changePassword } from "../../../src/auth/auth/store.ts";
import { parseArgon2Phc } from "../../../src/auth/domain/phc.ts";
import type { StoredPassword } from "../../../src/auth/password/passwords.ts";
import { generations } from "../../../src/auth/standing/generations.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { makeProver } from "../../fixtures/dpop.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
let root: Principal;
beforeAll(async () => {
  house = await openHouse({ registration: "open" });
  root = (await bootstrap(house)).caller;
});
afterAll(() => house.close());

const { login, register, changePassword: change } = AuthService.method;
const { refresh, issueToken, exchangeToken } = TokenService.method;
const nextPassword = "the gate of moria 7";
const invalid = { reason: "REFRESH_TOKEN_INVALID" };
const over = { reason: "CREDENTIAL_INVALID" };

async function logIn(loginName: string, more: { password?: string; deviceName?: string } = {}, at = house) {
  const { outcome } = await at.call(login, { loginName, password: goodPassword, ...more });
  return outcome.value as TokenSet;
}

/** A person who is logged in on so many devices. */
async function person(loginName: string, devices = 1) {
  const { principalId } = await house.call(register, { loginName, password: goodPassword });
  const sessions: TokenSet[] = [];
  for (let n = 1; n <= devices; n += 1) sessions.push(await logIn(loginName, { deviceName: `device ${n}` }));
  return { principalId, id: principalId.slice(4), loginName, sessions };
}

/** Who a token speaks for, to a process that remembers nobody. */
async function callerWith(accessToken: string): Promise<Principal> {
  const stranger = await house.replica();
  return await Promise.resolve(stranger.token.authenticator.authenticate(accessToken, house.clock.time)).finally(() =>
    stranger.close(),
  );
}

async function changeAs(
  { accessToken }: TokenSet,
  currentPassword = goodPassword,
  newPassword = nextPassword,
  at = house,
) {
  return at.call(change, { currentPassword, newPassword }, await callerWith(accessToken));
}

const listed = async (principalId: string) =>
  (await house.call(SessionService.method.listSessions, {}, await house.principal(principalId))).sessions;

async function storedOf(id: string) {
  const [row] = await house.database.asOwner<{ password: Buffer; generation: number }>(
    "select n.password, p.generation from person n join principal p on p.id = n.principal_id where p.id = $1",
    [id],
  );
  if (row === undefined) throw new TypeError("no such person");
  const phc = house.keys.sealer.open("pepper", { kind: "person.password", id }, row.password).toString();
  return { ...row, phc, hash: parseArgon2Phc(phc, { memoryKib: 1_048_576, iterations: 10, parallelism: 16 }) };
}

/** The next password as it is stored for this person. */
async function sealedFor(id: string): Promise<StoredPassword> {
  const template = await person(`like-${id}`);
  await changeAs(template.sessions[0] as TokenSet);
  const { phc } = await storedOf(template.id);
  const { sealer } = house.keys;
  const sealed = sealer.seal("pepper", { kind: "person.password", id }, Buffer.from(phc));
  return { principalId: id, sealed, pepperVersion: sealer.currentVersion("pepper") };
}

describe("a changed password", () => {
  it("TOK-09 ends all other sessions and every token of the caller's, and the caller goes on with new ones", async () => {
    const { principalId, loginName, sessions } = await person("moria", 3);
    const [mine, ...others] = sessions as [TokenSet, ...TokenSet[]];
    const { tokens, endedSessions } = await changeAs(mine);
    expect(endedSessions).toBe(3);
    for (const { accessToken, refreshToken } of [mine, ...others]) {
      await expect(callerWith(accessToken)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
      await expect(house.call(refresh, { refreshToken })).rejects.toMatchObject(invalid);
    }
    expect(await callerWith(tokens?.accessToken ?? "")).toMatchObject({
      clientId: "gatehouse",
      scopes: new Set(["*"]),
    });
    await house.call(refresh, { refreshToken: tokens?.refreshToken ?? "" });
    // TOK-11: another session, not the one that somebody else may know of; the person knows it by its device.
    expect(await listed(principalId)).toMatchObject([{ sessionId: tokens?.sessionId, deviceName: "device 1" }]);
    expect(sessions.map(({ sessionId }) => sessionId)).not.toContain(tokens?.sessionId);
    await expect(logIn(loginName)).rejects.toMatchObject({ reason: "LOGIN_FAILED" });
    await logIn(loginName, { password: nextPassword });
    expect(house.records.findLast(({ details }) => details.ended_sessions === 3)).toMatchObject({
      outcome: "SUCCESS",
      actor: { sessionId: mine.sessionId.slice(4) },
      subjectId: principalId.slice(4),
    });
  });

  it("PWD-17 PWD-05 is stored as Register stores one: sealed, for this person alone, in its composed form", async () => {
    const { id, sessions, loginName } = await person("composer");
    await changeAs(sessions[0] as TokenSet, goodPassword, "cafe\u0301 au lait 77");
    expect((await storedOf(id)).hash).toMatchObject({ memoryKib: 256, iterations: 1 });
    await logIn(loginName, { password: "caf\u00e9 au lait 77" });
    await house.database.asOwner("update person set password = $2 where principal_id = $1", [
      (await person("other")).id,
      (await storedOf(id)).password,
    ]);
    await expect(logIn("other", { password: "caf\u00e9 au lait 77" })).rejects.toMatchObject({
      reason: "DATA_CORRUPT",
    });
  });

  it("PWD-10 takes the current password in any composition, and does not take it for a new one", async () => {
    const { sessions } = await person("combining");
    const { tokens } = await changeAs(sessions[0] as TokenSet, goodPassword, "cafe\u0301 au lait 77");
    const unchanged = changeAs(tokens as TokenSet, "caf\u00e9 au lait 77", "cafe\u0301 au lait 77");
    await expect(unchanged).rejects.toMatchObject({ reason: "PASSWORD_UNACCEPTABLE" });
    const wrong = changeAs(tokens as TokenSet, goodPassword);
    await expect(wrong).rejects.toMatchObject({ reason: "CURRENT_PASSWORD_WRONG" });
    await changeAs(tokens as TokenSet, "caf\u00e9 au lait 77");
  });

  it("PWD-06 PWD-07 is refused for what Register refuses, the names of the person included", async () => {
    const { principalId } = await house.call(register, {
      loginName: "zaphod",
      displayName: "Trillian Astra",
      password: goodPassword,
    });
    const tokens = await logIn("zaphod");
    for (const bad of ["short", "password1", "zaphod-2026", "TrillianAstra1"]) {
      const refusal = { reason: "PASSWORD_UNACCEPTABLE", violations: [{ field: "new_password" }] };
      await expect(changeAs(tokens, goodPassword, bad)).rejects.toMatchObject(refusal);
    }
    expect(await listed(principalId)).toHaveLength(1);
    await callerWith(tokens.accessToken);
  });

  it("TOK-18 TOK-05 is nobody's business but the person's: neither a machine's nor whoever acts for the person", async () => {
    const { sessions, id } = await person("lender");
    const [tokens] = sessions as [TokenSet];
    const settings = { exchange: true, audiences: ["gatehouse"], scopes: ["secrets.read"] };
    const { createClient, createClientSecret } = ClientService.method;
    await house.call(createClient, { clientId: "broker", confidential: true, settings }, root);
    const { secret } = await house.call(createClientSecret, { clientId: "broker" }, root);
    const { issued } = await house.call(exchangeToken, {
      client: { clientId: "broker", clientSecret: secret },
      subjectToken: tokens.accessToken,
      subjectTokenKind: TokenKind.ACCESS,
    });
    const acting = await callerWith(issued?.accessToken ?? "");
    expect(acting).toMatchObject({ id, kind: "person", sessionId: tokens.sessionId.slice(4), delegated: true });

    const { serviceAccount } = await house.call(
      ServiceAccountService.method.createServiceAccount,
      { displayName: "robot" },
      root,
    );
    const { principalId = "" } = serviceAccount ?? {};
    const { secret: key } = await house.call(
      ServiceAccountService.method.createApiKey,
      { principalId, displayName: "ci" },
      root,
    );
    const machine = await house.call(issueToken, { credential: { case: "apiKey", value: key } });
    const robot = await callerWith(machine.issued?.accessToken ?? "");
    for (const caller of [acting, robot]) {
      const attempt = house.call(change, { currentPassword: goodPassword, newPassword: nextPassword }, caller);
      await expect(attempt).rejects.toMatchObject({ reason: "PERSON_REQUIRED" });
    }
    expect((await storedOf(id)).generation).toBe(1);
  });

  it("TOK-24 TOK-04 keeps the session's client, narrowing and key", async () => {
    const settings = { logins: true, audiences: ["gatehouse"], scopes: ["secrets.read", "secrets.list"] };
    const bound = { ...settings, senderConstraint: SenderConstraint.DPOP };
    await house.call(ClientService.method.createClient, { clientId: "phone", settings: bound }, root);
    house.slice.onFeed(house.database.committed);
    await person("walker", 0);
    const prover = await makeProver();
    const now = house.clock.time;
    const credentials = { loginName: "walker", password: goodPassword, clientId: "phone", scopes: ["secrets.read"] };
    const proofs = [await prover.proof("/test", { now })];
    const { outcome } = await house.call(login, credentials, undefined, { proofs });
    const { tokens } = await changeAs(outcome.value as TokenSet);
    expect(decodeJwt(tokens?.accessToken ?? "")).toMatchObject({
      client_id: "phone",
      aud: "gatehouse",
      scope: "secrets.read",
      cnf: { jkt: prover.thumbprint },
    });
    const renewal = { refreshToken: tokens?.refreshToken ?? "", clientId: "phone" };
    await expect(house.call(refresh, renewal)).rejects.toMatchObject({ ...invalid, auditReason: "TOKEN_BOUND" });
    await house.call(refresh, renewal, undefined, { proofs: [await prover.proof("/test", { now })] });
  });
});

describe("a session whose client changed meanwhile", () => {
  const { createClient, createClientSecret, updateClient } = ClientService.method;
  const settings = { logins: true, exchange: true, audiences: ["gatehouse"], scopes: ["secrets.read", "secrets.list"] };

  async function loggedInThrough(clientId: string, loginName: string): Promise<TokenSet> {
    await house.call(createClient, { clientId, confidential: true, settings }, root);
    const { secret: clientSecret } = await house.call(createClientSecret, { clientId }, root);
    house.slice.onFeed(house.database.committed);
    await person(loginName, 0);
    const credentials = { loginName, password: goodPassword, clientId, clientSecret };
    return (await house.call(login, credentials)).outcome.value as TokenSet;
  }

  async function update(clientId: string, changed: object, paths: string[]): Promise<void> {
    await house.call(updateClient, { clientId, settings: { ...settings, ...changed }, updateMask: { paths } }, root);
    house.slice.onFeed(house.database.committed);
  }

  it("TOK-05 has no successor once the client logs nobody in, or is disabled, and the password stays", async () => {
    const tokens = await loggedInThrough("desk", "clerk");
    const caller = await callerWith(tokens.accessToken);
    const request = { currentPassword: goodPassword, newPassword: nextPassword };
    await update("desk", { logins: false }, ["logins"]);
    await expect(house.call(change, request, caller)).rejects.toMatchObject({ reason: "CLIENT_NOT_ALLOWED" });
    await update("desk", { logins: true, disabled: true }, ["logins", "disabled"]);
    await expect(house.call(change, request, caller)).rejects.toMatchObject(over);
    await logIn("clerk");
  });

  it("TOK-04 TOK-19 has one within what is left to the client", async () => {
    const tokens = await loggedInThrough("stall", "seller");
    await update("stall", { scopes: ["secrets.list", "audit.read"] }, ["scopes"]);
    const { tokens: next } = await changeAs(tokens);
    expect(next?.scopes).toEqual(["secrets.list"]);
  });
});

describe("what happens at the same time", () => {
  it("TOK-09 of two changes at once one holds, with one living session", async () => {
    for (let round = 0; round < 10; round += 1) {
      const { principalId, loginName, sessions, id } = await person(`racer-${round}`, 2);
      const wanted = ["the first of two 11", "the second of two 22"];
      const raced = await Promise.allSettled(
        sessions.map((tokens, index) => changeAs(tokens, goodPassword, wanted[index])),
      );
      const won = raced.findIndex(({ status }) => status === "fulfilled");
      const lost = raced[1 - won] as PromiseRejectedResult;
      expect(raced.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      // Or the token was dead before it was asked who shows it.
      expect(["CREDENTIAL_INVALID", "TOKEN_REVOKED"]).toContain(lost.reason.reason);
      await logIn(loginName, { password: wanted[won] ?? "" });
      await expect(logIn(loginName, { password: wanted[1 - won] ?? "" })).rejects.toMatchObject({
        reason: "LOGIN_FAILED",
      });
      expect(await listed(principalId)).toHaveLength(2);
      expect((await storedOf(id)).generation).toBe(2);
    }
  });

  it("TOK-09 the second of two changes is undone even when both have shown the password that was right", async () => {
    const { id, sessions } = await person("latecomer", 2);
    const [first, second] = sessions as [TokenSet, TokenSet];
    let between: (() => Promise<unknown>) | undefined = () => changeAs(first);
    const late = await house.replica({
      async beforeRead(statement) {
        // The one that is late has proven itself by then, and has found its session alive.
        if (statement !== "token.session_device") return;
        const act = between;
        between = undefined;
        await act?.();
      },
    });
    await expect(changeAs(second, goodPassword, "another one 4711", late)).rejects.toMatchObject(over);
    expect((await storedOf(id)).generation).toBe(2);
    await logIn("latecomer", { password: nextPassword });
    await late.close();
  });

  it("TOK-09 a login that read the old password, and comes to its end after the change, is refused", async () => {
    const { principalId, sessions } = await person("overtaken");
    let between: (() => Promise<unknown>) | undefined = () => changeAs(sessions[0] as TokenSet);
    const slow = await house.replica({
      async beforeRead(statement) {
        if (statement !== "auth.standing") return;
        const act = between;
        between = undefined;
        await act?.();
      },
    });
    await expect(logIn("overtaken", {}, slow)).rejects.toMatchObject({
      reason: "LOGIN_FAILED",
      auditReason: "REVOKED_MEANWHILE",
    });
    expect(await listed(principalId)).toHaveLength(1);
    await slow.close();
  });

  it("TOK-09 a login with the old password that is stored before the change commits has a dead session", async () => {
    const { id, principalId, sessions } = await person("hasty");
    const made = await sealedFor(id);
    let tokens: TokenSet | undefined;
    await house.database.transact(async (tx) => {
      await generations.raise(tx, id, house.clock.time);
      await changePassword(tx, made, house.clock.time);
      await house.token.sessions.endAll(tx, id, "PASSWORD_CHANGED", house.clock.time);
      tokens = await logIn("hasty");
    });
    const { accessToken = "", refreshToken = "" } = tokens ?? {};
    await expect(callerWith(accessToken)).rejects.toMatchObject({ reason: "TOKEN_REVOKED" });
    await expect(house.call(refresh, { refreshToken })).rejects.toMatchObject(invalid);
    await expect(house.call(refresh, { refreshToken: sessions[0]?.refreshToken ?? "" })).rejects.toMatchObject(invalid);
    expect(await listed(principalId)).toEqual([]);
  });

  it("PWD-18 a rehash that waits at the old password's row does not bring it back", async () => {
    const { id } = await person("rehashed");
    const dearer = await house.replica({ argon2: { memoryKib: 512, iterations: 2, parallelism: 1 } });
    const made = await sealedFor(id);
    let waiting: Promise<unknown> | undefined;
    await house.database.transact(async (tx) => {
      await generations.raise(tx, id, house.clock.time);
      await changePassword(tx, made, house.clock.time);
      waiting = logIn("rehashed", {}, dearer);
      await house.database.untilBlocked();
    });
    await waiting;
    expect((await storedOf(id)).password.equals(made.sealed)).toBe(true);
    await expect(logIn("rehashed")).rejects.toMatchObject({ reason: "LOGIN_FAILED" });
    await logIn("rehashed", { password: nextPassword });
    await dearer.close();
  });

  it("TOK-08 a logout in the same moment is not undone by it", async () => {
    const { sessions, id } = await person("leaving");
    const [tokens] = sessions as [TokenSet];
    const caller = await callerWith(tokens.accessToken);
    await house.call(AuthService.method.logout, {}, caller);
    const attempt = house.call(change, { currentPassword: goodPassword, newPassword: nextPassword }, caller);
    await expect(attempt).rejects.toMatchObject(over);
    expect((await storedOf(id)).generation).toBe(1);
  });
});
