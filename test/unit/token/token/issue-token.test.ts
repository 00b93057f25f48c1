// TokenService.IssueToken: who gets a token for what, and that it dies with what it was given for.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  IssueTokenRequestSchema,
  type IssueTokenResponse,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import type { Client, ServiceCredential } from "../../../../src/kernel/ports.ts";
import { aClient, fakeClients } from "../../../fakes/clients.ts";
import { fakeMachines } from "../../../fakes/machines.ts";
import { createTestSigner, signAnything } from "../../../fakes/token-signer.ts";
import { type CallOptions, createTokenWorld, standingOf, type TokenWorldOptions } from "../../../fakes/token-world.ts";
import { goodHeader, goodPayload } from "../claims.ts";

const robot = "01890000-0000-7000-8000-0000000000c1";
const key = "01890000-0000-7000-8000-0000000000d1";
const binding = "01890000-0000-7000-8000-0000000000d2";
const certificate = {
  spiffeId: undefined,
  dnsNames: ["cart"],
  thumbprint: "A".repeat(43),
  expiresAt: new Date("2026-11-21T12:10:00Z"),
};

const till: Client = {
  ...aClient,
  id: "till",
  generation: 4,
  confidential: true,
  logins: false,
  principalId: robot,
  audiences: ["shop", "gatehouse"],
};

const standing = standingOf(robot, { kind: "service_account", generation: 2, roles: ["viewer"] });
const credential: ServiceCredential = {
  principalId: robot,
  standing,
  scopes: ["secrets.read", "audit.read"],
  expiresAt: undefined,
};
const keyOf = (more: Partial<ServiceCredential> = {}) => ({ ...credential, ...more, keyId: key });
const workload = { ...credential, bindingId: binding, subject: "cart" };

function world(options: TokenWorldOptions = {}) {
  const made = createTokenWorld({
    clients: fakeClients(till),
    machines: fakeMachines({
      keys: { ghk_good: keyOf(), ghk_short: keyOf({ expiresAt: new Date("2026-11-21T12:01:00Z") }) },
      certificates: { [certificate.thumbprint]: { ...workload, expiresAt: certificate.expiresAt } },
      kubernetes: { "eyJ.k8s": { ...workload, expiresAt: new Date("2026-11-21T12:05:00Z") } },
    }),
    ...options,
  });
  made.standings.set(standing);
  const issue = async (request: MessageInitShape<typeof IssueTokenRequestSchema>, shown: CallOptions = {}) => {
    const call = made.call(shown);
    const answer = (await made.handler("issueToken")(
      create(IssueTokenRequestSchema, request),
      call,
    )) as IssueTokenResponse;
    if (answer.issued === undefined) throw new TypeError("no token");
    return { ...answer.issued, call, claims: decodeJwt(answer.issued.accessToken) };
  };
  const verdict = async (token: string) => {
    try {
      return (await made.slice.authenticator.authenticate(token, made.time.now)).id;
    } catch (error) {
      return (error as { reason: string }).reason;
    }
  };
  return { ...made, issue, verdict };
}

const asTill = { credential: { case: "client", value: { clientId: "till", clientSecret: "till-secret" } } } as const;
const byKey = { credential: { case: "apiKey", value: "ghk_good" } } as const;

describe("what a token is issued for", () => {
  it("M-01 the secret of a client that acts as an account", async () => {
    const { issue } = world();
    const { claims, audience, scopes, call } = await issue(asTill);
    expect(claims).toMatchObject({
      sub: `prn_${robot}`,
      client_id: "till",
      cgen: 4,
      gen: 2,
      aud: "shop",
      scope: "orders.read orders.write",
      roles: ["viewer"],
      amr: ["client_secret"],
    });
    expect(claims).not.toHaveProperty("sid");
    expect(claims).not.toHaveProperty("cred");
    expect([audience, scopes]).toEqual(["shop", ["orders.read", "orders.write"]]);
    expect(call.audit).toMatchObject({
      actor: { id: robot, kind: "service_account", clientId: "till" },
      subjectId: robot,
      resources: [{ type: "token", uid: claims.jti }],
      details: { credential: "client_secret", audience: "shop" },
    });
  });

  it.each([
    ["an API key", byKey, {}, "api_key", key, "2026-11-21T12:30:00.000Z"],
    [
      "a certificate",
      { credential: { case: "certificate", value: {} } } as const,
      { certificate },
      "mtls",
      binding,
      "2026-11-21T12:10:00.000Z",
    ],
    [
      "a Kubernetes token",
      { credential: { case: "kubernetesToken", value: "eyJ.k8s" } } as const,
      {},
      "kubernetes",
      binding,
      "2026-11-21T12:05:00.000Z",
    ],
  ])("%s, whose end is that of the token", async (_title, request, shown, method, cred, end) => {
    const { issue, verdict, feed } = world();
    const { claims, accessToken } = await issue(request, shown);
    expect(claims).toMatchObject({
      sub: `prn_${robot}`,
      client_id: `prn_${robot}`,
      aud: "gatehouse",
      cred,
      amr: [method],
    });
    expect(new Date((claims.exp ?? 0) * 1000).toISOString()).toBe(end);
    expect(await verdict(accessToken)).toBe(robot);
    feed({ kind: "credential", key: cred, expiresAt: new Date("2026-11-21T13:00:00Z") });
    expect(await verdict(accessToken)).toBe("TOKEN_REVOKED");
  });

  it.each([
    ["a key that nobody knows", { credential: { case: "apiKey", value: "ghk_bad" } }, {}, "CREDENTIAL_INVALID"],
    [
      "a Kubernetes token that nobody knows",
      { credential: { case: "kubernetesToken", value: "x" } },
      {},
      "CREDENTIAL_INVALID",
    ],
    ["no certificate", { credential: { case: "certificate", value: {} } }, {}, "CREDENTIAL_INVALID"],
    [
      "a certificate that is bound to nobody",
      { credential: { case: "certificate", value: {} } },
      { certificate: { ...certificate, thumbprint: "B".repeat(43) } },
      "CREDENTIAL_INVALID",
    ],
    [
      "a wrong secret",
      { credential: { case: "client", value: { clientId: "till", clientSecret: "x" } } },
      {},
      "CLIENT_INVALID",
    ],
    [
      "the built-in client",
      { credential: { case: "client", value: { clientId: "gatehouse", clientSecret: "x" } } },
      {},
      "CLIENT_INVALID",
    ],
    ["nothing", {}, {}, "REQUEST_INVALID"],
  ] as const)("CVE-2025-49825 is refused with %s", async (_title, request, shown, reason) => {
    const { issue, signer } = world();
    await expect(issue(request, shown)).rejects.toMatchObject({ reason });
    expect(signer.signed()).toBe(0);
  });

  it("is refused to a client that acts as nobody, or whose account is stopped", async () => {
    const lonely = world({ clients: fakeClients({ ...till, principalId: undefined }) });
    await expect(lonely.issue(asTill)).rejects.toMatchObject({
      reason: "CLIENT_NOT_ALLOWED",
      auditReason: "CLIENT_WITHOUT_ACCOUNT",
    });
    const stopped = world();
    stopped.standings.set({ ...standing, active: false });
    await expect(stopped.issue(asTill)).rejects.toMatchObject({
      reason: "CLIENT_NOT_ALLOWED",
      auditReason: "PRINCIPAL_DISABLED",
    });
  });
});

describe("CLM-06 the identity of a machine", () => {
  it("is that of its account alone: no client acts as a person", async () => {
    const { issue, standings } = world();
    standings.set({ ...standing, kind: "person" });
    await expect(issue(asTill)).rejects.toMatchObject({ reason: "CLIENT_NOT_ALLOWED" });
  });

  it("CLM-11 says that it was proven by one thing, in the words that a person's token has for that", async () => {
    const { issue } = world();
    expect((await issue(asTill)).claims).toMatchObject({ acr: "aal1", amr: ["client_secret"] });
    expect((await issue(byKey)).claims).toMatchObject({ acr: "aal1", amr: ["api_key"] });
  });
});

describe("the bounds of an issued token", () => {
  const life = async (token: Promise<{ claims: { exp?: number; iat?: number } }>) => {
    const { exp = 0, iat = 0 } = (await token).claims;
    return exp - iat;
  };

  it("M-01 lives as long as the call asks, within what client, installation and credential allow", async () => {
    const { issue } = world();
    const wish = (ms: number) => ({ lifetime: durationFromMs(ms) });
    expect(await life(issue({ ...asTill, ...wish(90_000) }))).toBe(90);
    expect(await life(issue({ ...asTill, ...wish(86_400_000) }))).toBe(1_800);
    expect(await life(issue({ credential: { case: "apiKey", value: "ghk_short" }, ...wish(600_000) }))).toBe(60);
    const bounded = world({ clients: fakeClients({ ...till, accessTokenLifetimeMs: 300_000 }) });
    expect(await life(bounded.issue({ ...asTill, ...wish(600_000) }))).toBe(300);
    for (const wrong of [0, -1, 999])
      await expect(issue({ ...asTill, ...wish(wrong) })).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
  });

  it("TOK-19 holds no scope and no audience that its credential lacks", async () => {
    const { issue } = world();
    expect((await issue({ ...asTill, scopes: ["orders.read"], audience: "gatehouse" })).claims).toMatchObject({
      scope: "orders.read",
      aud: "gatehouse",
    });
    expect((await issue({ ...byKey, scopes: ["audit.read"] })).claims.scope).toBe("audit.read");
    for (const request of [asTill, byKey])
      for (const scopes of [["*"], ["secrets.write"], ["orders.read", "secrets.write"], ["orders.read secrets.write"]])
        await expect(issue({ ...request, scopes })).rejects.toMatchObject({
          reason: expect.stringMatching(/^(SCOPE_EXCEEDS_GRANT|REQUEST_INVALID)$/),
        });
    for (const request of [asTill, byKey])
      await expect(issue({ ...request, audience: "elsewhere" })).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN" });
  });

  it("TOK-08 dies with the client, with the account, and alone", async () => {
    const { issue, verdict, feed, standings } = world();
    const end = new Date("2026-11-21T13:00:00Z");
    const three = await Promise.all([1, 2, 3].map(() => issue({ ...asTill, audience: "gatehouse" })));
    const [first, second, third] = three;
    if (first === undefined || second === undefined || third === undefined) throw new TypeError("three");
    feed({ kind: "token", key: String(first.claims.jti), expiresAt: end });
    expect(await Promise.all(three.map(({ accessToken }) => verdict(accessToken)))).toEqual([
      "TOKEN_REVOKED",
      robot,
      robot,
    ]);
    feed({ kind: "client", key: "till:5", expiresAt: end });
    expect(await verdict(second.accessToken)).toBe("TOKEN_REVOKED");
    const other = await issue(byKey);
    standings.set({ ...standing, generation: 3 });
    expect(await verdict(other.accessToken)).toBe("TOKEN_REVOKED");
  });

  it("says who alone may exchange it, and refuses what is the id of nobody", async () => {
    const { issue } = world();
    expect((await issue({ ...asTill, mayAct: "shop" })).claims.may_act).toEqual({ sub: "shop" });
    expect((await issue({ ...asTill, mayAct: `prn_${robot}` })).claims.may_act).toEqual({ sub: `prn_${robot}` });
    for (const mayAct of ["Shop", "prn_1", "a b", "x".repeat(64)])
      await expect(issue({ ...asTill, mayAct })).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
  });
});

describe("CLM-03 a token that is signed and wrong", () => {
  it.each([
    ["sid", null],
    ["sid", ""],
    ["cred", "x"],
    ["cred", 7],
    ["cnf", {}],
    ["cnf", { jkt: "short" }],
    ["cnf", { jkt: "A".repeat(43), "x5t#S256": "A".repeat(43) }],
    ["cnf", { jwk: {} }],
    ["cnf", []],
    ["act", "shop"],
    ["act", { sub: "shop" }],
    ["act", { sub: "prn_1", client_id: "shop" }],
    ["may_act", {}],
    ["may_act", "shop"],
    ["src", []],
    ["src", {}],
    ["src", [{ jti: "x" }]],
  ])("is refused with %s of %j", async (name, value) => {
    const signer = createTestSigner();
    const made = world({ signer });
    const payload = { ...goodPayload(made), sid: undefined, cgen: 1, [name]: value };
    expect(
      await made.verdict(
        await signAnything(signer, goodHeader(made), { ...payload, [name]: undefined, sid: undefined, cgen: 1 }),
      ),
    ).not.toBe("TOKEN_MALFORMED");
    expect(await made.verdict(await signAnything(signer, goodHeader(made), payload))).toBe("TOKEN_MALFORMED");
  });

  it("is refused with more actors than there may be", async () => {
    const signer = createTestSigner();
    const made = world({ signer });
    const chain = (length: number): object | undefined =>
      length === 0 ? undefined : { sub: "shop", client_id: "shop", act: chain(length - 1) };
    const verdictOf = async (length: number) =>
      await made.verdict(await signAnything(signer, goodHeader(made), { ...goodPayload(made), act: chain(length) }));
    expect(await verdictOf(4)).not.toBe("TOKEN_MALFORMED");
    expect(await verdictOf(5)).toBe("TOKEN_MALFORMED");
  });
});
