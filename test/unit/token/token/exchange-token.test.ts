// TokenService.ExchangeToken: which tokens a client may exchange, for what, and in whose name.

import { randomBytes } from "node:crypto";
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  ExchangeTokenRequestSchema,
  type ExchangeTokenResponse,
  TokenKind,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { decodeJwt, type JWTPayload } from "jose";
import { describe, expect, it } from "vitest";
import type { Reader } from "../../../../src/kernel/database.ts";
import type { Client } from "../../../../src/kernel/ports.ts";
import { Secret } from "../../../../src/kernel/secret.ts";
import { hmacKeyId, hmacSignature } from "../../../../src/token/verification-keys.ts";
import { aClient, fakeClients } from "../../../fakes/clients.ts";
import { signAnything } from "../../../fakes/token-signer.ts";
import { type CallOptions, createTokenWorld, standingOf, type TokenWorldOptions } from "../../../fakes/token-world.ts";
import { makeProver } from "../../../fixtures/dpop.ts";
import { alice, bob, goodHeader, goodPayload, session } from "../claims.ts";

const backendAccount = "01890000-0000-7000-8000-0000000000c1";

const backend: Client = {
  ...aClient,
  id: "backend",
  generation: 3,
  confidential: true,
  logins: false,
  exchange: true,
  principalId: backendAccount,
  audiences: ["gatehouse", "shop", "ledger"],
  scopes: ["secrets.read", "audit.read", "orders.read"],
};

const alive: Reader = { rows: async <R>() => [{ dead: [] }] as R[] };

type Request = MessageInitShape<typeof ExchangeTokenRequestSchema>;

function world({ client = {}, ...options }: TokenWorldOptions & { readonly client?: Partial<Client> } = {}) {
  const clients = fakeClients(
    { ...backend, ...client },
    { ...backend, id: "second", generation: 8, principalId: undefined },
  );
  const made = createTokenWorld({ clients, reader: alive, ...options });
  made.standings.set(standingOf(alice, { roles: ["viewer"] }));
  made.standings.set(standingOf(bob));
  made.standings.set(standingOf(backendAccount, { kind: "service_account", generation: 6 }));
  const sign = (more: JWTPayload = {}) =>
    signAnything(made.signer, goodHeader(made), {
      ...goodPayload(made),
      aud: "shop",
      cgen: 1,
      client_id: "shop",
      ...more,
    });
  const exchange = async (subjectToken: string, more: Request = {}, shown: CallOptions = {}) => {
    const call = made.call(shown);
    const request = create(ExchangeTokenRequestSchema, {
      client: { clientId: "backend", clientSecret: "backend-secret" },
      subjectToken,
      subjectTokenKind: TokenKind.ACCESS,
      ...more,
    } as Request);
    const { issued } = (await made.handler("exchangeToken")(request, call)) as ExchangeTokenResponse;
    if (issued === undefined) throw new TypeError("no token");
    return { ...issued, call, claims: decodeJwt(issued.accessToken) };
  };
  const verdict = async (token: string) => {
    try {
      return (await made.slice.authenticator.authenticate(token, made.time.now)).id;
    } catch (error) {
      return (error as { reason: string }).reason;
    }
  };
  return { ...made, clients, sign, exchange, verdict };
}

const asSecond = { client: { clientId: "second", clientSecret: "second-secret" } };

describe("TOK-17 an exchange", () => {
  it.each([
    [{ subjectToken: "" }, ["subject_token"]],
    [{ subjectTokenKind: TokenKind.UNSPECIFIED }, ["subject_token_kind"]],
    [{ subjectTokenKind: TokenKind.REFRESH }, ["subject_token_kind"]],
    [{ actorToken: "t" }, ["actor_token_kind"]],
    [{ actorToken: "t", actorTokenKind: TokenKind.REFRESH }, ["actor_token_kind"]],
    [{ actorTokenKind: TokenKind.ACCESS }, ["actor_token_kind"]],
    [{ subjectToken: "", actorTokenKind: TokenKind.ACCESS }, ["subject_token", "actor_token_kind"]],
  ])("is refused with %j before anybody is asked who calls", async (more, fields) => {
    const { exchange, sign } = world();
    await expect(
      exchange(await sign(), { client: { clientId: "nobody", clientSecret: "x" }, ...more }),
    ).rejects.toMatchObject({
      reason: "REQUEST_INVALID",
      violations: fields.map((field) => ({ field })),
    });
  });

  it.each([
    ["an unknown client", { clientId: "nobody", clientSecret: "x" }, "CLIENT_INVALID"],
    ["a wrong secret", { clientId: "backend", clientSecret: "x" }, "CLIENT_INVALID"],
    ["the built-in client", { clientId: "gatehouse", clientSecret: "x" }, "CLIENT_INVALID"],
  ])("is refused to %s", async (_title, client, reason) => {
    const { exchange, sign } = world();
    await expect(exchange(await sign(), { client })).rejects.toMatchObject({ reason });
  });

  it("is refused to a client that may not exchange", async () => {
    const { exchange, sign } = world({ client: { exchange: false } });
    await expect(exchange(await sign())).rejects.toMatchObject({ reason: "CLIENT_NOT_ALLOWED" });
  });
});

describe("the token that comes of it", () => {
  it("TOK-18 speaks for the subject, names the client as actor, and ends with the one that it was given for", async () => {
    const { exchange, sign, verdict, feed } = world();
    const { claims, accessToken, audience, scopes, call } = await exchange(
      await sign({ scope: "secrets.read orders.read x" }),
    );
    expect(claims).toMatchObject({
      sub: `prn_${alice}`,
      aud: "gatehouse",
      scope: "secrets.read orders.read",
      sid: `ses_${session}`,
      client_id: "backend",
      cgen: 3,
      roles: ["viewer"],
      act: { sub: `prn_${backendAccount}`, client_id: "backend" },
      src: [{ jti: goodPayload(world()).jti, client_id: "shop", cgen: 1 }],
      via: [{ sub: `prn_${backendAccount}`, gen: 6 }],
    });
    expect({ audience, scopes }).toEqual({ audience: "gatehouse", scopes: ["secrets.read", "orders.read"] });
    expect(call.audit).toMatchObject({
      actor: { id: backendAccount, kind: "service_account", clientId: "backend" },
      subjectId: alice,
      details: { subject_audience: "shop", audience: "gatehouse" },
    });
    expect(await verdict(accessToken)).toBe(alice);
    feed({ kind: "token", key: String(goodPayload(world()).jti), expiresAt: new Date("2026-11-21T13:00:00Z") });
    expect(await verdict(accessToken)).toBe("TOKEN_REVOKED");
  });

  it.each([
    ["the session", { kind: "session", key: session }],
    ["the client of the subject's token", { kind: "client", key: "shop:2" }],
    ["the client that exchanged it", { kind: "client", key: "backend:4" }],
    ["what the subject's token was issued for", { kind: "credential", key: bob }],
  ] as const)("TOK-08 dies with %s", async (_title, event) => {
    const { exchange, sign, verdict, feed } = world();
    const { accessToken } = await exchange(await sign({ cred: bob }));
    expect(await verdict(accessToken)).toBe(alice);
    feed({ ...event, expiresAt: new Date("2026-11-21T13:00:00Z") });
    expect(await verdict(accessToken)).toBe("TOKEN_REVOKED");
  });

  const until = new Date("2026-11-21T13:00:00Z");
  it.each([
    ["the subject's own client", `${alice}:shop`],
    ["the client that exchanged it", `${alice}:backend`],
    ["the actor's client", `${bob}:shop`],
  ])(
    "TOK-08 TOK-10 dies when everything is ended that its subject or actor was given through %s",
    async (_title, key) => {
      const made = world();
      const actorToken = await made.sign({ jti: bob, sub: `prn_${bob}` });
      const { accessToken } = await made.exchange(await made.sign(), { actorToken, actorTokenKind: TokenKind.ACCESS });
      const again = await made.exchange(accessToken);
      made.feed({ kind: "subject_client", key: `${bob}:backend`, expiresAt: until });
      expect([await made.verdict(accessToken), await made.verdict(again.accessToken)]).toEqual([alice, alice]);
      made.feed({ kind: "subject_client", key, expiresAt: until });
      expect(await made.verdict(accessToken)).toBe("TOKEN_REVOKED");
      expect(await made.verdict(again.accessToken)).toBe("TOKEN_REVOKED");
    },
  );

  it("TOK-08 keeps whose each token was that it came of, through every step", async () => {
    const made = world();
    const actorToken = await made.sign({ jti: bob, sub: `prn_${bob}`, since: 7 });
    const { accessToken } = await made.exchange(await made.sign(), { actorToken, actorTokenKind: TokenKind.ACCESS });
    const again = await made.exchange(accessToken);
    const of = ({ src }: JWTPayload) =>
      (src as { sub?: string; since?: number }[]).map(({ sub, since }) => ({ sub, since }));
    expect(of(again.claims)).toEqual([{}, {}, { sub: bob, since: 7 }]);
  });

  const disabled = (id: string, generation: number) =>
    standingOf(id, { kind: "service_account", generation, active: false });

  it.each([
    ["the account of the client that exchanged it", disabled(backendAccount, 7)],
    [
      "the account of the client, of which memory does not know yet that its tokens were ended",
      standingOf(backendAccount, { generation: 7 }),
    ],
    ["the actor whose token was shown", disabled(bob, 1)],
    ["the actor, all of whose tokens were ended", standingOf(bob, { generation: 2 })],
  ])("TOK-08 TOK-18 dies with %s, and so does what is exchanged for it", async (_title, standing) => {
    const made = world();
    const actorToken = await made.sign({ jti: bob, sub: `prn_${bob}` });
    const { accessToken } = await made.exchange(await made.sign(), { actorToken, actorTokenKind: TokenKind.ACCESS });
    const again = await made.exchange(accessToken, asSecond);
    const both = async () => [await made.verdict(accessToken), await made.verdict(again.accessToken)];
    expect(again.claims.via).toEqual([
      { sub: `prn_${backendAccount}`, gen: 6 },
      { sub: `prn_${bob}`, gen: 1 },
    ]);
    expect(await both()).toEqual([alice, alice]);
    made.standings.drop(standing.principalId);
    expect(await both()).toEqual([alice, alice]);
    made.standings.set(standing);
    expect(await both()).toEqual(["TOKEN_REVOKED", "TOKEN_REVOKED"]);
    made.standings.drop(standing.principalId);
    expect(await both()).toEqual(["TOKEN_REVOKED", "TOKEN_REVOKED"]);
  });

  it("TOK-18 lives where it was signed by a replica that knows more of the actor than this one", async () => {
    const made = world();
    const { accessToken } = await made.exchange(await made.sign());
    made.standings.set(standingOf(backendAccount, { generation: 5 }));
    made.standings.setElsewhere(standingOf(backendAccount, { generation: 6 }));
    expect(await made.verdict(accessToken)).toBe(alice);
    made.standings.setElsewhere(disabled(backendAccount, 7));
    expect(await made.verdict(accessToken)).toBe("TOKEN_REVOKED");
  });

  it("CVE-2023-22492 is not given to a client whose account is stopped, whoever acts", async () => {
    const made = world();
    made.standings.set(disabled(backendAccount, 7));
    const actorToken = await made.sign({ jti: bob, sub: `prn_${bob}` });
    for (const more of [{}, { actorToken, actorTokenKind: TokenKind.ACCESS }])
      await expect(made.exchange(await made.sign(), more)).rejects.toMatchObject({
        reason: "CLIENT_NOT_ALLOWED",
        auditReason: "PRINCIPAL_DISABLED",
      });
  });

  it("TOK-18 goes through eight accounts at the most", async () => {
    const made = world();
    const hand = (at: number) => ({
      sub: `prn_01890000-0000-7000-8000-0000000002${String(at).padStart(2, "0")}`,
      gen: 1,
    });
    for (let at = 0; at < 7; at += 1)
      made.standings.set(standingOf(hand(at).sub.slice(4), { kind: "service_account" }));
    const via = (count: number) => Array.from({ length: count }, (_, at) => hand(at));
    const taken = await made.exchange(await made.sign({ via: via(7) }));
    expect(taken.claims.via).toHaveLength(8);
    const actor = { actorToken: await made.sign({ jti: bob, sub: `prn_${bob}` }), actorTokenKind: TokenKind.ACCESS };
    await expect(made.exchange(await made.sign({ via: via(7) }), actor)).rejects.toMatchObject({
      reason: "ACTOR_CHAIN_TOO_LONG",
    });
  });

  it("names nobody twice, nor its own subject, among those through whose hands it went", async () => {
    const made = world();
    const own = await made.sign({ jti: bob });
    const { claims, accessToken } = await made.exchange(await made.sign(), {
      actorToken: own,
      actorTokenKind: TokenKind.ACCESS,
    });
    expect(claims.via).toEqual([{ sub: `prn_${backendAccount}`, gen: 6 }]);
    expect((await made.exchange(accessToken)).claims.via).toEqual(claims.via);
    expect((await made.exchange(await made.sign(), asSecond)).claims).not.toHaveProperty("via");
  });

  it("TOK-19 lives no longer than the subject's, the actor's, the client's, and the call asks", async () => {
    const { exchange, sign, time } = world();
    const at = Math.floor(time.now.getTime() / 1000);
    const lifeOf = async (subject: JWTPayload, more: Request = {}) => {
      const { exp = 0, iat = 0 } = (await exchange(await sign(subject), more)).claims;
      return exp - iat;
    };
    expect(await lifeOf({ exp: at + 77 })).toBe(77);
    expect(await lifeOf({}, { lifetime: durationFromMs(60_000) })).toBe(60);
    expect(await lifeOf({ exp: at + 77 }, { lifetime: durationFromMs(600_000) })).toBe(77);
    const actorToken = await sign({ exp: at + 33, jti: bob, sub: `prn_${bob}` });
    expect(await lifeOf({ exp: at + 77 }, { actorToken, actorTokenKind: TokenKind.ACCESS })).toBe(33);
    const bounded = world({ client: { accessTokenLifetimeMs: 120_000 } });
    const { exp = 0, iat = 0 } = (await bounded.exchange(await bounded.sign())).claims;
    expect(exp - iat).toBe(120);
  });

  it("TOK-19 holds no scope that the subject's or the client lacks", async () => {
    const { exchange, sign } = world();
    const scopeOf = async (subject: string, scopes: string[] = []) =>
      (await exchange(await sign({ scope: subject }), { scopes })).claims.scope;
    expect(await scopeOf("*")).toBe("secrets.read audit.read orders.read");
    expect(await scopeOf("*", ["audit.read"])).toBe("audit.read");
    expect(await scopeOf("audit.read")).toBe("audit.read");
    for (const [subject, wanted] of [
      ["audit.read", ["secrets.read"]],
      ["audit.read", ["audit.read", "secrets.read"]],
      ["*", ["*"]],
      ["*", ["secrets.write"]],
      ["secrets.write", []],
    ] as const)
      await expect(scopeOf(subject, [...wanted])).rejects.toMatchObject({ reason: "SCOPE_EXCEEDS_GRANT" });
  });

  it("TOK-19 is for an audience of the client, and for no other", async () => {
    const { exchange, sign } = world();
    expect((await exchange(await sign(), { audience: "ledger" })).claims.aud).toBe("ledger");
    for (const audience of ["elsewhere", "Ledger", "ledger "])
      await expect(exchange(await sign(), { audience })).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN" });
  });
});

describe("the subject's token", () => {
  it.each([
    ["not one", async () => "garbage", "TOKEN_MALFORMED"],
    [
      "dead",
      async ({ sign, time }: ReturnType<typeof world>) => await sign({ exp: Math.floor(time.now.getTime() / 1000) }),
      "TOKEN_EXPIRED",
    ],
    [
      "for another audience, through another client",
      async ({ sign }: ReturnType<typeof world>) => await sign({ aud: "other" }),
      "TOKEN_WRONG_AUDIENCE",
    ],
    ["of an older generation", async ({ sign }: ReturnType<typeof world>) => await sign({ gen: 0 }), "TOKEN_REVOKED"],
    [
      "of a stranger",
      async ({ sign }: ReturnType<typeof world>) => await sign({ sub: `prn_${session}` }),
      "TOKEN_REVOKED",
    ],
    ["a refresh token", async () => `ghr_${"A".repeat(72)}`, "TOKEN_MALFORMED"],
  ])("is refused when it is %s", async (_title, make, auditReason) => {
    const made = world();
    const token = await make(made);
    await expect(made.exchange(token)).rejects.toMatchObject({ reason: "SUBJECT_TOKEN_INVALID", auditReason });
    const actor = { actorToken: token, actorTokenKind: TokenKind.ACCESS };
    await expect(made.exchange(await made.sign(), actor)).rejects.toMatchObject({
      reason: "ACTOR_TOKEN_INVALID",
      auditReason,
    });
    expect(made.signer.signed()).toBeLessThan(4);
  });

  it("is taken when it was issued through the client, whatever it is for", async () => {
    const { exchange, sign } = world();
    expect((await exchange(await sign({ aud: "other", client_id: "backend" }))).claims.aud).toBe("gatehouse");
  });

  it("JWT-04 is refused when a shared secret signed it: whoever holds that could make one in anybody's name", async () => {
    const foreignHmacKey = { audience: "legacy", key: new Secret(randomBytes(32)) };
    const made = world({ settings: { foreignHmacKey }, client: { audiences: ["gatehouse", "legacy"] } });
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const header = { alg: "HS256", typ: "at+jwt", kid: hmacKeyId("legacy") };
    const input = `${encode(header)}.${encode({ ...goodPayload(made), aud: "legacy" })}`;
    const token = `${input}.${hmacSignature(foreignHmacKey, input).toString("base64url")}`;
    await expect(made.exchange(token)).rejects.toMatchObject({
      reason: "SUBJECT_TOKEN_INVALID",
      auditReason: "TOKEN_SIGNATURE_SHARED",
    });
  });

  it("CVE-2023-22492 CVE-2026-9798 is refused when its subject is stopped, also when memory does not know", async () => {
    const made = world();
    made.standings.setElsewhere(standingOf(alice, { active: false }));
    await expect(made.exchange(await made.sign())).rejects.toMatchObject({
      reason: "SUBJECT_TOKEN_INVALID",
      auditReason: "TOKEN_REVOKED",
    });
  });

  it("TOK-08 is asked of the database: what another replica revoked a moment ago is refused", async () => {
    const made = world({ reader: { rows: async <R>() => [{ dead: [0] }] as R[] } });
    await expect(made.exchange(await made.sign())).rejects.toMatchObject({ reason: "SUBJECT_TOKEN_INVALID" });
  });

  it("CVE-2024-46999 a role that was taken from its subject is not in the new token", async () => {
    const made = world();
    const token = await made.sign({ roles: ["admin"] });
    made.standings.set(standingOf(alice, { roles: [] }));
    expect((await made.exchange(token)).claims.roles).toEqual([]);
  });
});

describe("TOK-18 actors", () => {
  it("may_act names who alone may exchange the token, as client or as account", async () => {
    const { exchange, sign } = world();
    for (const sub of ["backend", `prn_${backendAccount}`])
      expect((await exchange(await sign({ may_act: { sub } }))).claims.act).toBeDefined();
    for (const sub of ["second", `prn_${bob}`, "Backend", "*"])
      await expect(exchange(await sign({ may_act: { sub } }))).rejects.toMatchObject({ reason: "ACTOR_NOT_ALLOWED" });
    await expect(exchange(await sign({ may_act: { sub: `prn_${backendAccount}` } }), asSecond)).rejects.toMatchObject({
      reason: "ACTOR_NOT_ALLOWED",
    });
  });

  it("may_act goes on to the next token, unless the actor names another", async () => {
    const { exchange, sign } = world();
    const token = await sign({ may_act: { sub: "backend" } });
    expect((await exchange(token)).claims.may_act).toEqual({ sub: "backend" });
    expect((await exchange(token, { mayAct: "second" })).claims.may_act).toEqual({ sub: "second" });
    expect((await exchange(await sign())).claims).not.toHaveProperty("may_act");
  });

  it("the chain is kept, the latest first, bounded, and decides nothing", async () => {
    const { exchange, sign } = world();
    let { accessToken, claims } = await exchange(await sign());
    for (const client of [asSecond, {}, asSecond]) ({ accessToken, claims } = await exchange(accessToken, client));
    expect(claims.act).toEqual({
      sub: "second",
      client_id: "second",
      act: {
        sub: `prn_${backendAccount}`,
        client_id: "backend",
        act: { sub: "second", client_id: "second", act: { sub: `prn_${backendAccount}`, client_id: "backend" } },
      },
    });
    expect(claims.src).toHaveLength(4);
    await expect(exchange(accessToken)).rejects.toMatchObject({ reason: "ACTOR_CHAIN_TOO_LONG" });
    // An earlier actor is no actor: only the client that asks counts.
    const bound = await exchange(await sign({ may_act: { sub: "backend" } }));
    await expect(exchange(bound.accessToken, asSecond)).rejects.toMatchObject({ reason: "ACTOR_NOT_ALLOWED" });
  });

  it("an actor's token says who acts, and the new token ends with it too", async () => {
    const { exchange, sign, verdict, feed } = world();
    const actor = { jti: bob, sub: `prn_${bob}`, sid: `ses_${bob}`, aud: "ledger" };
    const actorToken = await sign(actor);
    const { claims, accessToken } = await exchange(await sign(), { actorToken, actorTokenKind: TokenKind.ACCESS });
    expect(claims).toMatchObject({ sub: `prn_${alice}`, act: { sub: `prn_${bob}`, client_id: "backend" } });
    expect(claims.src).toHaveLength(2);
    expect(await verdict(accessToken)).toBe(alice);
    feed({ kind: "session", key: bob, expiresAt: new Date("2026-11-21T13:00:00Z") });
    expect(await verdict(accessToken)).toBe("TOKEN_REVOKED");
  });
});

describe("a bound token", () => {
  it("TOK-24 is given for a proof of the client's own key, whatever the subject's was bound to", async () => {
    const { exchange, sign, time } = world({ client: { senderConstraint: "dpop" } });
    const prover = await makeProver();
    const subject = await sign({ cnf: { jkt: "A".repeat(43) } });
    await expect(exchange(subject)).rejects.toMatchObject({ reason: "PROOF_REQUIRED" });
    const { claims } = await exchange(subject, {}, { proofs: [await prover.proof("/test", { now: time.now })] });
    expect(claims.cnf).toEqual({ jkt: prover.thumbprint });
  });
});
