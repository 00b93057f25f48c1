// Sessions that people open through a client, on the real database: who may renew them, within what, and when they are dead.
import { fromBinary } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { ClientService } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { SessionService } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { IntrospectResponseSchema, TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { TokenSet } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { decodeJwt } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { EncodedAnswer } from "../../../src/kernel/handler.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { bootstrap, goodPassword, type House, openHouse } from "./house.ts";

let house: House;
let root: { principalId: string; caller: Principal };
const secrets = new Map<string, string>();
beforeEach(async () => {
  house = await openHouse({ registration: "open" });
  root = await bootstrap(house);
  for (const clientId of ["till", "safe"]) {
    await house.call(createClient, { clientId, confidential: true, settings }, root.caller);
    secrets.set(clientId, (await house.call(createClientSecret, { clientId }, root.caller)).secret);
  }
  await house.call(createClient, { clientId: "phone", settings }, root.caller);
  await house.call(AuthService.method.register, { loginName: "alice", password: goodPassword });
});
afterEach(() => house.close());

const { createClient, createClientSecret, updateClient, deleteClient } = ClientService.method;
const settings = { logins: true, audiences: ["shop", "billing"], scopes: ["orders.read", "orders.write"] };
const day = 86_400_000;
const refused = { reason: "REFRESH_TOKEN_INVALID", code: 16 };

const shown = (clientId: string) => ({ clientId, clientSecret: secrets.get(clientId) ?? "" });
const later = (ms: number) => {
  house.clock.time = new Date(house.clock.time.getTime() + ms);
};
/** What the server does right after each own commit. */
function hear(at = house): void {
  at.clients.onFeed(house.database.committed);
  at.token.onFeed(house.database.committed);
}

async function logIn(clientId: string, more: object = {}): Promise<TokenSet> {
  const person = { loginName: "alice", password: goodPassword, ...shown(clientId), ...more };
  const { outcome } = await house.call(AuthService.method.login, person);
  if (outcome.value === undefined) throw new TypeError("no tokens");
  return outcome.value;
}

async function refresh(refreshToken: string, more: object, at = house): Promise<TokenSet> {
  const { tokens } = await at.call(TokenService.method.refresh, { refreshToken, ...more });
  if (tokens === undefined) throw new TypeError("no tokens");
  return tokens;
}

async function alive(token: string, at = house, consistency = 0): Promise<boolean> {
  const answer: unknown = await at.call(TokenService.method.introspect, { token, consistency }, root.caller);
  if (!(answer instanceof EncodedAnswer)) throw new TypeError("not serialised");
  return fromBinary(IntrospectResponseSchema, answer.bytes).active;
}

const change = (clientId: string, wanted: object, paths: string[] = []) =>
  house.call(updateClient, { clientId, settings: wanted, updateMask: { paths } }, root.caller);

describe("a session of a client", () => {
  it("TOK-05 is renewed by its client alone; another's credentials leave the token to its owner", async () => {
    const { refreshToken } = await logIn("till");
    for (const other of [shown("safe"), shown("phone"), { clientId: "", clientSecret: "" }, { clientId: "gatehouse" }])
      await expect(refresh(refreshToken, other)).rejects.toMatchObject({ ...refused, auditReason: "CLIENT_MISMATCH" });
    for (const wrong of [{ clientId: "till" }, { ...shown("safe"), clientId: "till" }, { clientSecret: "x" }])
      await expect(refresh(refreshToken, wrong)).rejects.toMatchObject({ reason: "CLIENT_INVALID" });
    const next = await refresh(refreshToken, shown("till"));
    expect((await refresh(next.refreshToken, shown("till"))).scopes).toEqual(settings.scopes);
  });

  it("TOK-05 of the built-in client is renewed by no other", async () => {
    const { outcome } = await house.call(AuthService.method.login, { loginName: "alice", password: goodPassword });
    const { refreshToken } = outcome.value as TokenSet;
    await expect(refresh(refreshToken, shown("till"))).rejects.toMatchObject(refused);
    await refresh(refreshToken, {});
  });

  it("TOK-05 of a public client is renewed with its id, which it must say", async () => {
    const { refreshToken } = await logIn("phone");
    await expect(refresh(refreshToken, {})).rejects.toMatchObject(refused);
    await refresh(refreshToken, shown("phone"));
  });

  it("M-01 TOK-07 lives as the client's settings say, and its tokens too", async () => {
    const lives = { accessTokenLifetime: { seconds: 120n }, refreshTokenLifetime: { seconds: 3_600n } };
    await change("till", lives);
    hear();
    const tokens = await logIn("till");
    const { exp = 0, iat = 0, aud, client_id } = decodeJwt(tokens.accessToken);
    expect({ life: exp - iat, aud, client_id }).toEqual({ life: 120, aud: "shop", client_id: "till" });
    const ends = (set: TokenSet) => Number(set.refreshTokenExpireTime?.seconds) - house.clock.time.getTime() / 1000;
    expect(ends(tokens)).toBe(3_600);
    later(3_599_000);
    const next = await refresh(tokens.refreshToken, shown("till"));
    expect(ends(next)).toBe(3_600);
    later(3_600_000);
    await expect(refresh(next.refreshToken, shown("till"))).rejects.toMatchObject({
      ...refused,
      auditReason: "SESSION_IDLE",
    });
  });

  it("J-02 says what the person is called where the client asks for it, and never where nobody said it", async () => {
    await house.call(AuthService.method.register, {
      loginName: "berta",
      password: goodPassword,
      displayName: "Berta B",
    });
    await change("till", { displayNameClaim: true });
    hear();
    expect(decodeJwt((await logIn("till", { loginName: "berta" })).accessToken).name).toBe("Berta B");
    expect(decodeJwt((await logIn("till")).accessToken)).not.toHaveProperty("name");
    expect(decodeJwt((await logIn("safe", { loginName: "berta" })).accessToken)).not.toHaveProperty("name");
  });

  it("TOK-04 holds no scope and no audience that the client has lost since", async () => {
    const tokens = await logIn("till", { audience: "billing" });
    await change("till", { scopes: ["orders.read", "orders.new"] });
    hear();
    const next = await refresh(tokens.refreshToken, shown("till"));
    expect(next.scopes).toEqual(["orders.read"]);
    await expect(refresh(next.refreshToken, { ...shown("till"), scopes: ["orders.write"] })).rejects.toMatchObject({
      reason: "SCOPE_EXCEEDS_GRANT",
    });
    await change("till", { audiences: ["shop"] });
    hear();
    await expect(refresh(next.refreshToken, shown("till"))).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN" });
  });

  it("is of no use once the client logs nobody in any more", async () => {
    const { refreshToken } = await logIn("till");
    await change("till", { exchange: true, logins: false }, ["exchange", "logins"]);
    hear();
    await expect(refresh(refreshToken, shown("till"))).rejects.toMatchObject({ reason: "CLIENT_NOT_ALLOWED" });
    await expect(logIn("till")).rejects.toMatchObject({ reason: "CLIENT_NOT_ALLOWED" });
  });
});

describe("a client that is disabled", () => {
  it("TOK-08 takes every session and every token with it, on every replica, and they stay dead when it goes on", async () => {
    const tokens = await logIn("till");
    const other = await logIn("safe");
    const replica = await house.replica();
    try {
      for (const at of [house, replica]) expect(await alive(tokens.accessToken, at)).toBe(true);
      await change("till", { disabled: true });
      hear();
      hear(replica);
      for (const at of [house, replica]) {
        expect(await alive(tokens.accessToken, at)).toBe(false);
        expect(await alive(tokens.refreshToken, at)).toBe(false);
        expect(await alive(other.accessToken, at)).toBe(true);
        await expect(refresh(tokens.refreshToken, shown("till"), at)).rejects.toMatchObject({
          reason: "CLIENT_INVALID",
        });
      }
      await change("till", { disabled: false }, ["disabled"]);
      hear();
      hear(replica);
      for (const at of [house, replica]) {
        expect(await alive(tokens.accessToken, at)).toBe(false);
        expect(await alive(tokens.accessToken, at, 2)).toBe(false);
        expect(await alive(tokens.refreshToken, at)).toBe(false);
        await expect(refresh(tokens.refreshToken, shown("till"), at)).rejects.toMatchObject(refused);
      }
      expect(await alive((await logIn("till")).accessToken, replica)).toBe(true);
    } finally {
      await replica.close();
    }
  });

  it("TOK-08 is known at once to who asks the database, and renews nothing on a replica that never heard of it", async () => {
    const tokens = await logIn("till");
    const replica = await house.replica();
    try {
      await replica.clients.find("till", house.clock.time);
      await change("till", { disabled: true });
      expect(await alive(tokens.accessToken, replica)).toBe(true);
      expect(await alive(tokens.accessToken, replica, 2)).toBe(false);
      await expect(refresh(tokens.refreshToken, shown("till"), replica)).rejects.toMatchObject({
        ...refused,
        auditReason: "CLIENT_DISABLED",
      });
      expect(await alive(tokens.refreshToken, replica)).toBe(false);
    } finally {
      await replica.close();
    }
  });

  it("TOK-10 has no sessions that a person could list", async () => {
    await logIn("till");
    await logIn("safe");
    const alice = await house.principal(
      (
        await house.database.asOwner<{ id: string }>("select principal_id as id from session where client_id = 'safe'")
      )[0]?.id ?? "",
    );
    const count = async () => (await house.call(SessionService.method.listSessions, {}, alice)).sessions.length;
    expect(await count()).toBe(2);
    await house.call(deleteClient, { clientId: "till" }, root.caller);
    expect(await count()).toBe(1);
  });

  it("CVE-2026-9802 stays dead for a server that starts afterwards, from the feed it reads and from the database", async () => {
    const tokens = await logIn("till");
    await house.call(deleteClient, { clientId: "till" }, root.caller);
    later(day / 48);
    const restarted = await house.replica();
    try {
      hear(restarted);
      expect(await alive(tokens.accessToken, restarted)).toBe(false);
      await expect(refresh(tokens.refreshToken, { clientId: "till" }, restarted)).rejects.toMatchObject({
        reason: "CLIENT_INVALID",
      });
    } finally {
      await restarted.close();
    }
  });

  it("TOK-03 that is disabled while it refreshes twenty times leaves no live token", async () => {
    for (let round = 0; round < 5; round += 1) {
      const tokens = await logIn("till");
      const [renewals] = await Promise.all([
        Promise.allSettled(Array.from({ length: 20 }, () => refresh(tokens.refreshToken, shown("till")))),
        change("till", { disabled: true }),
      ]);
      hear();
      const given = renewals.flatMap((one) => (one.status === "fulfilled" ? one.value : []));
      for (const { accessToken, refreshToken } of given) {
        expect(await alive(accessToken)).toBe(false);
        expect(await alive(refreshToken)).toBe(false);
      }
      await change("till", { disabled: false }, ["disabled"]);
      hear();
    }
  });
});
