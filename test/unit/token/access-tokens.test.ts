// The access tokens that leave the house, as an independent verifier (jose) reads them.
import { createPublicKey, randomBytes } from "node:crypto";
import { createLocalJWKSet, decodeJwt, decodeProtectedHeader, jwtVerify } from "jose";
import { describe, expect, it } from "vitest";
import { Secret } from "../../../src/kernel/secret.ts";
import { createAccessTokens } from "../../../src/token/access-tokens.ts";
import { hmacKeyId } from "../../../src/token/verification-keys.ts";
import { createTestSigner, signAnything, type TestSigner } from "../../fakes/token-signer.ts";
import { createTokenWorld, standingOf, tokenSettings } from "../../fakes/token-world.ts";
import { alice, goodHeader, goodPayload, session } from "./claims.ts";

const now = new Date("2026-11-21T12:00:00.400Z");

function order(more: Record<string, unknown> = {}) {
  return {
    standing: standingOf(alice, { roles: ["viewer"], generation: 3 }),
    sessionId: session,
    clientId: "gatehouse",
    audience: "gatehouse",
    scopes: ["secrets.read", "audit.read"],
    authenticationMethods: ["pwd"],
    authenticationContext: "aal1",
    authenticatedAt: new Date("2026-11-21T11:00:00Z"),
    now,
    endsBy: new Date("2026-12-01T00:00:00Z"),
    ...more,
  };
}

const nameless = { of: async () => undefined };

const keySet = (signer: TestSigner) => createLocalJWKSet({ keys: [{ ...signer.current().jwk }] });

describe("an access token", () => {
  it.each(["ES256", "EdDSA", "RS256", "PS256"] as const)(
    "CLM-02 J-02 is taken by jose with every check on, signed by %s",
    async (alg) => {
      const signer = createTestSigner(alg);
      const { text } = await createAccessTokens(signer, tokenSettings, nameless).issue(order());
      const { payload, protectedHeader } = await jwtVerify(text, keySet(signer), {
        issuer: tokenSettings.issuer,
        audience: "gatehouse",
        typ: "at+jwt",
        algorithms: [alg],
        currentDate: now,
        requiredClaims: ["iss", "exp", "aud", "sub", "client_id", "iat", "jti"],
      });
      expect(protectedHeader).toEqual({ alg, typ: "at+jwt", kid: signer.current().kid });
      expect(payload).toEqual({
        iss: tokenSettings.issuer,
        sub: `prn_${alice}`,
        aud: "gatehouse",
        exp: 1795262400 + 1800,
        iat: 1795262400,
        nbf: 1795262400,
        jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
        sid: `ses_${session}`,
        client_id: "gatehouse",
        scope: "secrets.read audit.read",
        roles: ["viewer"],
        amr: ["pwd"],
        acr: "aal1",
        auth_time: 1795258800,
        gen: 3,
      });
    },
  );

  it("CLM-09 holds no personal data: its members are known one by one", async () => {
    const { text } = await createAccessTokens(createTestSigner(), tokenSettings, nameless).issue(order());
    expect(Object.keys(decodeJwt(text)).sort()).toEqual([
      "acr",
      "amr",
      "aud",
      "auth_time",
      "client_id",
      "exp",
      "gen",
      "iat",
      "iss",
      "jti",
      "nbf",
      "roles",
      "scope",
      "sid",
      "sub",
    ]);
  });

  it("J-01 lives 30 minutes, and never longer than its session", async () => {
    const tokens = createAccessTokens(createTestSigner(), tokenSettings, nameless);
    const usual = await tokens.issue(order());
    expect(usual.expiresAt).toEqual(new Date("2026-11-21T12:30:00Z"));
    const short = await tokens.issue(order({ endsBy: new Date("2026-11-21T12:05:00.900Z") }));
    expect(short.expiresAt).toEqual(new Date("2026-11-21T12:05:00Z"));
    expect(decodeJwt(short.text).exp).toBe(1795262400 + 300);
  });

  it("has an id of its own each time", async () => {
    const tokens = createAccessTokens(createTestSigner(), tokenSettings, nameless);
    const made = await Promise.all(Array.from({ length: 100 }, () => tokens.issue(order())));
    expect(new Set(made.map(({ tokenId }) => tokenId)).size).toBe(100);
  });

  it("is not made for an audience that nobody knows", async () => {
    const signer = createTestSigner();
    const issue = createAccessTokens(signer, tokenSettings, nameless).issue(order({ audience: "elsewhere" }));
    await expect(issue).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN" });
    expect(signer.signed()).toBe(0);
  });
});

describe("J-03 HS256, for a foreign audience that must keep it", () => {
  const key = randomBytes(32);
  const settings = { foreignHmacKey: { audience: "legacy", key: new Secret(key) }, defaultAudience: "legacy" };
  const world = createTokenWorld({ settings });
  const tokens = createAccessTokens(world.signer, world.settings, nameless);

  it("is signed with the shared secret, and verifies with it elsewhere", async () => {
    const signed = world.signer.signed();
    const { text } = await tokens.issue(order({ audience: "legacy" }));
    const { payload } = await jwtVerify(text, key, { algorithms: ["HS256"], audience: "legacy", currentDate: now });
    expect(payload.sub).toBe(`prn_${alice}`);
    expect(decodeProtectedHeader(text).kid).toBe(hmacKeyId("legacy"));
    expect(world.signer.signed()).toBe(signed);
  });

  it("JWT-04 whoever holds the secret cannot mint a token for Gatehouse with it", async () => {
    const { createHmac } = await import("node:crypto");
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
    const mint = (aud: string, kid: string) => {
      const input = `${encode({ alg: "HS256", typ: "at+jwt", kid })}.${encode({ ...goodPayload(world), aud })}`;
      return `${input}.${createHmac("sha256", key).update(input).digest("base64url")}`;
    };
    world.standings.set(standingOf(alice));
    const authenticate = async (token: string) => world.slice.authenticator.authenticate(token, world.time.now);
    const { kid } = world.signer.current();
    await expect(authenticate(mint("gatehouse", hmacKeyId("legacy")))).rejects.toMatchObject({
      reason: "TOKEN_WRONG_AUDIENCE",
    });
    await expect(authenticate(mint("gatehouse", kid))).rejects.toMatchObject({ reason: "TOKEN_SIGNATURE_INVALID" });
    await expect(authenticate(mint("legacy", hmacKeyId("legacy")))).rejects.toMatchObject({
      reason: "TOKEN_WRONG_AUDIENCE",
    });
  });

  it("JWT-03 a token that is truly signed by ES256 under the secret's kid is refused, and the reverse", async () => {
    const header = { ...goodHeader(world), kid: hmacKeyId("legacy") };
    const token = await signAnything(world.signer, header, { ...goodPayload(world), aud: "legacy" });
    await expect(async () => world.slice.authenticator.authenticate(token, world.time.now)).rejects.toMatchObject({
      reason: "TOKEN_SIGNATURE_INVALID",
    });
  });

  it("D3 is refused for Gatehouse's own audience before anything is served", () => {
    const own = { foreignHmacKey: { audience: "gatehouse", key: new Secret(key) } };
    expect(() => createTokenWorld({ settings: own })).toThrow("never for Gatehouse's own");
  });

  it("JWT-20 the secret is in no key list", () => {
    for (const { jwk } of world.signer.verificationKeys()) {
      expect(createPublicKey({ key: { ...jwk }, format: "jwk" }).type).toBe("public");
      expect(jwk).not.toHaveProperty("k");
    }
  });
});
