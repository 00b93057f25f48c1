// Access tokens that are given to a client: within its bounds, dead with its generation, and in the form that it asks for or not at all.
import { randomBytes } from "node:crypto";
import { decodeJwt } from "jose";
import { describe, expect, it } from "vitest";
import type { Client } from "../../../src/kernel/ports.ts";
import { Secret } from "../../../src/kernel/secret.ts";
import { type AccessTokenOrder, createAccessTokens } from "../../../src/token/access-tokens.ts";
import type { TokenSettings } from "../../../src/token/settings.ts";
import { createVerificationKeys } from "../../../src/token/verification-keys.ts";
import { createVerifier } from "../../../src/token/verifier.ts";
import { aClient } from "../../fakes/clients.ts";
import { createTestSigner, signAnything } from "../../fakes/token-signer.ts";
import { standingOf, tokenSettings } from "../../fakes/token-world.ts";
import { alice, session } from "./claims.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const shop: Client = { ...aClient, generation: 7 };

function world(settings: Partial<TokenSettings> = {}) {
  const all = { ...tokenSettings, ...settings };
  const signer = createTestSigner();
  const asked: unknown[] = [];
  const tokens = createAccessTokens(
    {
      ...signer,
      ready: async (algorithm) => void asked.push(algorithm),
      current: (algorithm) => {
        asked.push(algorithm);
        return signer.current();
      },
    },
    all,
    { of: async (id) => `name of ${id}` },
  );
  const verifier = createVerifier(createVerificationKeys(signer, all), all);
  const issue = (client: Client | undefined, more: Partial<AccessTokenOrder> = {}) =>
    tokens.issue({
      standing: standingOf(alice),
      sessionId: session,
      clientId: client?.id ?? "gatehouse",
      client,
      audience: "shop",
      scopes: ["orders.read"],
      authenticationMethods: ["pwd"],
      authenticationContext: "aal1",
      authenticatedAt: now,
      now,
      endsBy: new Date("2026-12-01T00:00:00Z"),
      ...more,
    });
  return { signer, verifier, issue, asked };
}

describe("an access token of a client", () => {
  it("TOK-08 says under which generation of the client it was given, and that of the built-in one says nothing", async () => {
    const { issue, verifier } = world();
    const { text } = await issue(shop);
    expect(decodeJwt(text)).toMatchObject({ client_id: "shop", cgen: 7, aud: "shop" });
    expect((await verifier.verify(text, now)).claims).toMatchObject({ clientId: "shop", clientGeneration: 7 });
    const own = await issue(undefined, { audience: "gatehouse" });
    expect(decodeJwt(own.text)).not.toHaveProperty("cgen");
    expect((await verifier.verify(own.text, now)).claims.clientGeneration).toBeUndefined();
  });

  it("M-01 lives as long as the client's may, and never longer than the installation's", async () => {
    const { issue } = world();
    const lifeOf = async (accessTokenLifetimeMs: number | undefined) => {
      const { exp = 0, iat = 0 } = decodeJwt((await issue({ ...shop, accessTokenLifetimeMs })).text);
      return exp - iat;
    };
    expect(await lifeOf(300_000)).toBe(300);
    expect(await lifeOf(undefined)).toBe(1_800);
    // Set when the installation allowed more than it does now.
    expect(await lifeOf(86_400_000)).toBe(1_800);
  });

  it("TOK-19 is for an audience of the client's own, and for no other of the installation", async () => {
    const { issue } = world({ defaultAudience: "everyone" });
    for (const audience of ["everyone", "gatehouse", "", "shop "])
      await expect(issue(shop, { audience })).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN" });
    await expect(issue(undefined, { audience: "shop" })).rejects.toMatchObject({ reason: "AUDIENCE_UNKNOWN" });
  });

  it("J-02 CLM-09 says what a person is called where the client asks for it, and nowhere else", async () => {
    const { issue } = world();
    expect(decodeJwt((await issue({ ...shop, displayNameClaim: true })).text).name).toBe(`name of ${alice}`);
    expect(decodeJwt((await issue(shop)).text)).not.toHaveProperty("name");
    expect(decodeJwt((await issue(undefined, { audience: "gatehouse" })).text)).not.toHaveProperty("name");
    const robot = standingOf(alice, { kind: "service_account" });
    expect(decodeJwt((await issue({ ...shop, displayNameClaim: true }, { standing: robot })).text)).not.toHaveProperty(
      "name",
    );
  });

  it("J-10 is signed by the algorithm that the client asks for", async () => {
    const { issue, asked } = world();
    await issue({ ...shop, algorithm: "PS256" });
    await issue(shop);
    expect(asked).toEqual(["PS256", "PS256", undefined, undefined]);
  });

  it.each([
    ["an audience that nobody has", { cgen: undefined }],
    ["no audience", { aud: "" }],
    ["a list of audiences", { aud: ["shop"] }],
    ["a generation that is no number", { cgen: "7" }],
    ["a generation that is no whole number", { cgen: 7.5 }],
    ["a generation below all", { cgen: -1 }],
    ["a generation beyond all", { cgen: Number.MAX_VALUE }],
    ["a generation of null", { cgen: null }],
  ])("JWT-02 CLM-03 is refused with %s, however well it is signed", async (_title, change) => {
    const { issue, verifier, signer } = world();
    const payload = decodeJwt((await issue(shop)).text);
    const header = { alg: "ES256", typ: "at+jwt", kid: signer.current().kid };
    await verifier.verify(await signAnything(signer, header, payload), now);
    await expect(verifier.verify(await signAnything(signer, header, { ...payload, ...change }), now)).rejects.toThrow(
      expect.objectContaining({ reason: expect.stringMatching(/^TOKEN_(MALFORMED|WRONG_AUDIENCE)$/) }),
    );
  });

  it.each([
    ["its client", (of: number) => ({ cgen: of })],
    ["its principal", (of: number) => ({ gen: of })],
    ["what it was exchanged for", (of: number) => ({ src: [{ jti: session, kid: "k", client_id: "shop", cgen: of }] })],
    ["who exchanged it", (of: number) => ({ via: [{ sub: `prn_${session}`, gen: of }] })],
  ])("JWT-02 has no generation of %s that Postgres could not count", async (_title, change) => {
    const { issue, verifier, signer } = world();
    const payload = decodeJwt((await issue(shop)).text);
    const header = { alg: "ES256", typ: "at+jwt", kid: signer.current().kid };
    const withGeneration = async (of: number) =>
      verifier.verify(await signAnything(signer, header, { ...payload, ...change(of) }), now);
    await withGeneration(2 ** 31 - 1);
    await expect(withGeneration(2 ** 31)).rejects.toThrow(expect.objectContaining({ reason: "TOKEN_MALFORMED" }));
  });

  it("JWT-05 whoever holds the secret of a foreign audience makes none of another client's", async () => {
    const foreignHmacKey = { audience: "legacy", key: new Secret(randomBytes(32)) };
    const { issue, verifier } = world({ foreignHmacKey });
    const legacy = { ...shop, audiences: ["legacy"] };
    const { text } = await issue(legacy, { audience: "legacy" });
    expect((await verifier.verify(text, now)).claims).toMatchObject({ audience: "legacy", clientGeneration: 7 });
    const [header = "", payload = ""] = text.split(".");
    const { hmacSignature } = await import("../../../src/token/verification-keys.ts");
    const other = Buffer.from(
      JSON.stringify({ ...(JSON.parse(Buffer.from(payload, "base64url").toString()) as object), aud: "shop" }),
    ).toString("base64url");
    const forged = `${header}.${other}.${hmacSignature(foreignHmacKey, `${header}.${other}`).toString("base64url")}`;
    await expect(verifier.verify(forged, now)).rejects.toMatchObject({ reason: "TOKEN_WRONG_AUDIENCE" });
  });
});
