// Public keys: what is published, how it is named, and how strong it must be.
import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import { describe, expect, it } from "vitest";
import { publicJwk, suits, thumbprint } from "../../../src/keys/jwk.ts";
import { thumbprints } from "../../fixtures/vectors/published.ts";

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const ed = generateKeyPairSync("ed25519");
const rsa = generateKeyPairSync("rsa", { modulusLength: 3072 });

describe("public keys", () => {
  it.each(thumbprints)("JWT-21 thumbprint as in $name", ({ jwk, thumbprint: expected }) => {
    expect(thumbprint(jwk)).toBe(expected);
  });

  it("JWT-21 thumbprint agrees with jose for every kind of key", async () => {
    for (const { publicKey } of [ec, ed, rsa]) {
      const jwk = publicJwk(publicKey);
      expect(jwk && thumbprint(jwk)).toBe(await calculateJwkThumbprint(publicKey.export({ format: "jwk" })));
    }
  });

  it("JWT-20 a public JWK has no private member, even when it is made from a private key", () => {
    for (const { privateKey } of [ec, ed, rsa]) {
      const members = Object.keys(publicJwk(privateKey) ?? {});
      expect(members.filter((name) => ["d", "p", "q", "dp", "dq", "qi", "k", "oth"].includes(name))).toEqual([]);
      expect(members.length).toBeGreaterThan(2);
    }
  });

  it("JWT-07 keys of the wrong kind, curve or strength suit no algorithm", () => {
    const weak = generateKeyPairSync("rsa", { modulusLength: 2048 }).publicKey;
    const exponentThree = generateKeyPairSync("rsa", { modulusLength: 3072, publicExponent: 3 }).publicKey;
    const p384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).publicKey;
    const k256 = generateKeyPairSync("ec", { namedCurve: "secp256k1" }).publicKey;
    for (const key of [weak, exponentThree, p384, k256, generateKeyPairSync("x25519").publicKey]) {
      for (const algorithm of ["ES256", "EdDSA", "RS256", "PS256"] as const) expect(suits(algorithm, key)).toBe(false);
    }
    expect(publicJwk(p384)).toBeUndefined();
  });

  it("each algorithm takes its own kind of key and no other", () => {
    const kinds = { ES256: ec, EdDSA: ed, RS256: rsa, PS256: rsa };
    for (const [algorithm, own] of Object.entries(kinds)) {
      for (const pair of [ec, ed, rsa])
        expect(suits(algorithm as keyof typeof kinds, createPublicKey(pair.privateKey))).toBe(pair === own);
    }
  });
});
