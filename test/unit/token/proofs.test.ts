// DPoP: each of the twelve checks of RFC 9449 section 4.3, replays, nonces, and what a token becomes bound to. Proofs are made by jose.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from "jose";
import { beforeAll, describe, expect, it } from "vitest";
import type { Possession } from "../../../src/kernel/handler.ts";
import { createProofs, type DpopSettings } from "../../../src/token/proofs.ts";
import { aClient } from "../../fakes/clients.ts";
import { createTestMacs, rememberingWriter } from "../../fakes/token-world.ts";
import { makeProver, type Prover } from "../../fixtures/dpop.ts";

const now = new Date("2026-11-21T12:00:00.000Z");
const path = "/gatehouse.auth.v1.AuthService/WhoAmI";
const accessToken = "header.payload.signature";
const settings: DpopSettings = {
  origins: new Set(["https://gatehouse.test", "https://other.test:8443"]),
  nonce: false,
};
const certificate = { spiffeId: undefined, dnsNames: [], thumbprint: "C".repeat(43), expiresAt: now };

type ProofOptions = NonNullable<Parameters<Prover["proof"]>[1]>;

let prover: Prover;
beforeAll(async () => {
  prover = await makeProver();
});

function world(more: Partial<DpopSettings> = {}) {
  const shared = { macs: createTestMacs(), writer: rememberingWriter() };
  const replica = () => createProofs({ ...shared, settings: { ...settings, ...more } });
  const showing = (proofs: readonly string[], at = now, possession: Partial<Possession> = {}) => ({
    now: at,
    possession: { proofs, httpMethod: "POST", path, certificate: undefined, ...possession },
  });
  const proofs = replica();
  const verdict = async (shown: readonly string[], at = now, token: string | undefined = accessToken) =>
    await proofs.check(showing(shown, at), token).catch((error: { reason: string; auditReason: string }) => {
      expect(error.reason).toMatch(/^PROOF_/);
      return error.auditReason;
    });
  const make = (options: ProofOptions = {}) => prover.proof(path, { accessToken, now, ...options });
  return { proofs, replica, showing, verdict, make };
}

const encode = (part: unknown) => Buffer.from(JSON.stringify(part)).toString("base64url");

describe("a DPoP proof", () => {
  it.each(["ES256", "EdDSA", "PS256", "RS256"] as const)(
    "TOK-22 of %s is taken, and says which key it was",
    async (alg) => {
      const other = await makeProver(alg);
      const { verdict } = world();
      expect(await verdict([await other.proof(path, { accessToken, now })])).toBe(other.thumbprint);
    },
  );

  it("TOK-22 check 1: there is one", async () => {
    const { verdict, make } = world();
    expect(await verdict([])).toBe("PROOF_MISSING");
    expect(await verdict([await make(), await make()])).toBe("PROOF_DOUBLED");
  });

  it("TOK-22 check 2: it is one JWT in compact form, of bounded length", async () => {
    const { verdict, make } = world();
    const good = await make();
    const [header = "", payload = "", signature = ""] = good.split(".");
    for (const wrong of [
      "",
      "a",
      "a.b",
      "a.b.c.d",
      `${good}.`,
      `${good} `,
      `${good}, ${good}`,
      `${header}.${payload}.`,
      `${header}=.${payload}.${signature}`,
      `${"A".repeat(9000)}.${payload}.${signature}`,
    ])
      expect(await verdict([wrong])).toBe("PROOF_MALFORMED");
    expect(await verdict([`${encode([])}.${payload}.${signature}`])).toBe("PROOF_MALFORMED");
    expect(await verdict([good])).toBe(prover.thumbprint);
  });

  it.each(["jti", "htm", "htu", "iat", "ath"])("TOK-22 check 3: it holds %s", async (name) => {
    const { verdict, make } = world();
    expect(await verdict([await make({ more: { [name]: undefined } })])).toMatch(
      /^PROOF_(ID|METHOD|URL|TIME|TOKEN)_WRONG$/,
    );
    for (const value of [null, 7.5e99, [], {}, ""])
      expect(await verdict([await make({ more: { [name]: value } })])).toMatch(
        /^PROOF_(ID|METHOD|URL|TIME|TOKEN)_WRONG$/,
      );
  });

  it.each([undefined, "JWT", "at+jwt", "DPOP+JWT", "application/dpop+jwt", ""])(
    "TOK-22 JWT-15 check 4: its type is not %s",
    async (typ) => {
      const { verdict, make } = world();
      expect(await verdict([await make({ header: { typ } as Record<string, unknown> })])).toBe("PROOF_TYPE_WRONG");
    },
  );

  it("TOK-22 JWT-03 JWT-04 check 5: it is signed, by an asymmetric algorithm", async () => {
    const { verdict, make } = world();
    const [, payload = ""] = (await make()).split(".");
    for (const alg of ["none", "None", "", "HS256", "HS512", "ES384", "es256", "constructor", null, 7, undefined]) {
      const input = `${encode({ typ: "dpop+jwt", alg, jwk: prover.jwk })}.${payload}`;
      const signature = createHmac("sha256", JSON.stringify(prover.jwk)).update(input).digest("base64url");
      expect(await verdict([`${input}.${signature}`])).toBe("PROOF_ALGORITHM_WRONG");
    }
  });

  it("TOK-22 JWT-05 check 6: the signature is that of the key in it", async () => {
    const { verdict, make } = world();
    const good = await make();
    const [header = "", payload = "", signature = ""] = good.split(".");
    const flipped = Buffer.from(signature, "base64url");
    flipped[5] = (flipped[5] ?? 0) ^ 1;
    const other = await makeProver();
    const swapped = encode({ alg: "ES256", typ: "dpop+jwt", jwk: other.jwk });
    for (const wrong of [
      `${header}.${payload}.${flipped.toString("base64url")}`,
      `${header}.${payload}.${Buffer.alloc(64).toString("base64url")}`,
      `${header}.${payload}.${signature.slice(0, -2)}`,
      `${swapped}.${payload}.${signature}`,
    ])
      expect(await verdict([wrong])).toMatch(/^PROOF_(SIGNATURE_WRONG|MALFORMED)$/);
  });

  it("TOK-22 JWT-06 check 7: the key is public, sound and for signing", async () => {
    const { verdict, make } = world();
    const { privateKey } = await generateKeyPair("ES256", { extractable: true });
    const { d } = await exportJWK(privateKey);
    const { x, y } = prover.jwk;
    const padded = `${String(x)}A`;
    const jwks: unknown[] = [
      { ...prover.jwk, d },
      { ...prover.jwk, k: "AA" },
      { ...prover.jwk, d: null },
      { ...prover.jwk, use: "enc" },
      { ...prover.jwk, key_ops: ["sign"] },
      { ...prover.jwk, alg: "ES384" },
      { ...prover.jwk, crv: "P-384" },
      { ...prover.jwk, kty: "OKP" },
      { ...prover.jwk, x: y, y: x },
      { ...prover.jwk, x: padded },
      { ...prover.jwk, x: undefined },
      { kty: "oct", k: "AA" },
      "key",
      null,
      [],
      undefined,
    ];
    for (const jwk of jwks) expect(await verdict([await make({ header: { jwk } })])).toBe("PROOF_KEY_WRONG");
  });

  it("TOK-22 JWT-06 check 7: an RSA key has 2048 bits or more, a bounded length, and a sane exponent", async () => {
    const { verdict } = world();
    const sign = async (jwk: object) => {
      const { privateKey } = await generateKeyPair("RS256");
      return await new SignJWT({}).setProtectedHeader({ alg: "RS256", typ: "dpop+jwt", jwk }).sign(privateKey);
    };
    const modulus = (bytes: number) =>
      Buffer.concat([Buffer.from([0xff]), randomBytes(bytes - 2), Buffer.from([1])]).toString("base64url");
    for (const jwk of [
      { kty: "RSA", n: modulus(128), e: "AQAB" },
      { kty: "RSA", n: modulus(2048), e: "AQAB" },
      // Another spelling of 65537, which would be another thumbprint.
      { kty: "RSA", n: modulus(256), e: "AAEAAQ" },
      { kty: "RSA", n: modulus(256), e: "AQ" },
      { kty: "RSA", n: modulus(256), e: "Aw" },
      { kty: "RSA", n: modulus(256), e: modulus(64) },
    ])
      expect(await verdict([await sign(jwk)])).toBe("PROOF_KEY_WRONG");
  });

  it.each(["GET", "post", "", "POST "])("TOK-22 check 8: the method is not %j", async (htm) => {
    const { verdict, make } = world();
    expect(await verdict([await make({ more: { htm } })])).toBe("PROOF_METHOD_WRONG");
  });

  it("TOK-22 check 9: the URL is that of the request, without query and fragment", async () => {
    const { verdict, make } = world();
    const right = `https://gatehouse.test${path}`;
    for (const htu of [
      `https://GATEHOUSE.test:443${path}`,
      `HTTPS://gatehouse.test${path}`,
      `https://other.test:8443${path}`,
    ])
      expect(await verdict([await make({ more: { htu } })])).toBe(prover.thumbprint);
    for (const htu of [
      `${right}?`,
      `${right}?a=b`,
      `${right}#`,
      `${right}/`,
      `${right}x`,
      right.toLowerCase(),
      `http://gatehouse.test${path}`,
      `https://gatehouse.test.evil${path}`,
      `https://user@gatehouse.test${path}`,
      `https://evil@gatehouse.test${path}`,
      `https://gatehouse.test:8443${path}`,
      `https://gatehouse.test\\@evil${path}`,
      path,
      "",
      "x",
      ` ${right}`,
      `${right}\n`,
      "https://gatehouse.test",
      `https://gatehouse.test${"/a".repeat(2000)}`,
    ])
      expect(await verdict([await make({ more: { htu } })])).toBe("PROOF_URL_WRONG");
  });

  it("TOK-22 CLM-03 check 11: it was made a moment ago", async () => {
    const { verdict, make } = world();
    const at = now.getTime() / 1000;
    for (const iat of [at - 59, at, at + 30])
      expect(await verdict([await make({ more: { iat } })])).toBe(prover.thumbprint);
    for (const iat of [at - 60, at - 86_400, at + 31, at + 1e9, -1, String(at)])
      expect(await verdict([await make({ more: { iat } as JWTPayload })])).toBe("PROOF_TIME_WRONG");
  });

  it("TOK-22 check 12: it is for the token that comes with it", async () => {
    const { verdict, make } = world();
    const other = createHash("sha256").update("another").digest("base64url");
    for (const ath of [other, accessToken, other.slice(1)])
      expect(await verdict([await make({ more: { ath } })])).toBe("PROOF_TOKEN_WRONG");
    expect(await verdict([await make()], now, `${accessToken}x`)).toBe("PROOF_TOKEN_WRONG");
  });

  it.each([{ crit: ["b64"] }, { b64: true }, { jku: "https://evil.test" }, { x5c: [] }, { zip: "DEF" }])(
    "JWT-12 JWT-13 is refused with %j in its header",
    async (more) => {
      const { verdict, make } = world();
      const [, payload = "", signature = ""] = (await make()).split(".");
      const header = encode({ alg: "ES256", typ: "dpop+jwt", jwk: prover.jwk, ...more });
      expect(await verdict([`${header}.${payload}.${signature}`])).toBe("PROOF_MALFORMED");
    },
  );
});

describe("a proof that is shown again", () => {
  it("TOK-23 GHSA-3p3g-vpw6-4w66 works once, at whichever replica, however many show it at once", async () => {
    const { replica, showing, make } = world();
    const [one, other] = [replica(), replica()];
    for (let round = 0; round < 5; round += 1) {
      const shown = showing([await make()]);
      const tries = await Promise.allSettled(
        Array.from({ length: 20 }, (_, index) => (index % 2 === 0 ? one : other).check(shown, accessToken)),
      );
      expect(tries.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
      for (const tried of tries)
        if (tried.status === "rejected")
          expect(tried.reason).toMatchObject({ reason: "PROOF_INVALID", auditReason: "PROOF_USED" });
    }
  });

  it("TOK-23 the id of another's proof is not used up by it", async () => {
    const { verdict, make } = world();
    const other = await makeProver();
    const more = { jti: "the-same" };
    expect(await verdict([await other.proof(path, { accessToken, now, more })])).toBe(other.thumbprint);
    expect(await verdict([await make({ more })])).toBe(prover.thumbprint);
    expect(await verdict([await make({ more })])).toBe("PROOF_USED");
  });

  it("TOK-23 a proof that is refused is not used up", async () => {
    const { verdict, make } = world();
    const good = await make();
    expect(await verdict([`${good.slice(0, -4)}AAAA`])).toMatch(/^PROOF_/);
    expect(await verdict([good], now, "another")).toBe("PROOF_TOKEN_WRONG");
    expect(await verdict([good])).toBe(prover.thumbprint);
  });
});

describe("TOK-22 check 10: nonces", () => {
  const nonceOf = async (work: Promise<unknown>): Promise<string> => {
    const { reason, metadata } = await work.then(
      () => expect.unreachable(),
      (error: { reason: string; metadata: Record<string, string> }) => error,
    );
    expect(reason).toBe("PROOF_NONCE_REQUIRED");
    return metadata.dpop_nonce ?? "";
  };

  it("are asked for where the settings say so, good at every replica, and for a few minutes", async () => {
    const { proofs, replica, showing, make } = world({ nonce: true });
    const nonce = await nonceOf(proofs.check(showing([await make()]), accessToken));
    for (const wrong of ["", "x", nonce.slice(1), `${nonce}A`])
      await nonceOf(proofs.check(showing([await make({ more: { nonce: wrong } })]), accessToken));
    await expect(replica().check(showing([await make({ more: { nonce } })]), accessToken)).resolves.toBe(
      prover.thumbprint,
    );
    const late = new Date(now.getTime() + 600_000);
    expect(
      await nonceOf(proofs.check(showing([await make({ now: late, more: { nonce } })], late), accessToken)),
    ).not.toBe(nonce);
  });

  it("refused proofs are not used up", async () => {
    const { proofs, showing, make } = world({ nonce: true });
    const more = { jti: "once" };
    const nonce = await nonceOf(proofs.check(showing([await make({ more })]), accessToken));
    await expect(proofs.check(showing([await make({ more: { ...more, nonce } })]), accessToken)).resolves.toBe(
      prover.thumbprint,
    );
  });
});

describe("what a token is bound to", () => {
  it("TOK-21 TOK-22 is the key of the proof, or the certificate where the client's settings say so", async () => {
    const { proofs, showing, make } = world();
    const bare = () => prover.proof(path, { now });
    expect(await proofs.confirm(undefined, showing([]))).toBeUndefined();
    expect(await proofs.confirm(undefined, showing([await bare()]))).toEqual({
      kind: "key",
      thumbprint: prover.thumbprint,
    });
    expect(await proofs.confirm(undefined, showing([], now, { certificate }))).toBeUndefined();
    const mtls = { ...aClient, senderConstraint: "mtls" as const };
    expect(await proofs.confirm(mtls, showing([], now, { certificate }))).toEqual({
      kind: "certificate",
      thumbprint: certificate.thumbprint,
    });
    expect(await proofs.confirm(mtls, showing([]))).toBeUndefined();
    await expect(proofs.confirm(undefined, showing([`${await make()}x`]))).rejects.toMatchObject({
      reason: "PROOF_INVALID",
    });
  });
});
