// Keys of others: what is wrong with them is found before they are used, and said without repeating it.
import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint } from "jose";
import { describe, expect, it } from "vitest";
import { importPublicJwk, importPublicJwkSet, JwkRefused } from "../../../src/kernel/public-jwk.ts";

const jwkOf = (key: KeyObject): Record<string, string> => key.export({ format: "jwk" }) as Record<string, string>;
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const [ecJwk, rsaJwk] = [jwkOf(ec.publicKey), jwkOf(rsa.publicKey)];
const edJwk = jwkOf(generateKeyPairSync("ed25519").publicKey);
const xJwk = jwkOf(generateKeyPairSync("x25519").publicKey);

const sig = { use: "sig", algorithms: ["ES256", "EdDSA", "RS256", "PS256"] } as const;
const enc = { use: "enc", algorithms: ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"] } as const;

function without(name: string, jwk: object): object {
  return Object.fromEntries(Object.entries(jwk).filter(([key]) => key !== name));
}

/** Another spelling of the same bytes: bits of the last character that say nothing. */
function spelledOtherwise(text: string): string {
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  return text.slice(0, -1) + letters[letters.indexOf(text.at(-1) ?? "A") + 1];
}

const bytes = (length: number, fill = 7) => Buffer.alloc(length, fill).toString("base64url");

describe("foreign public keys", () => {
  it.each([
    ["ES256", ecJwk, sig, ["ES256"]],
    ["EdDSA", edJwk, sig, ["EdDSA"]],
    ["RSA for signatures", rsaJwk, sig, ["RS256", "PS256"]],
    ["RSA that names its algorithm", { ...rsaJwk, alg: "PS256" }, sig, ["PS256"]],
    ["RSA for encryption", rsaJwk, enc, ["RSA-OAEP-256"]],
    ["P-256 for agreement", { ...ecJwk, use: "enc", key_ops: [] }, enc, ["ECDH-ES", "ECDH-ES+A256KW"]],
    ["X25519", xJwk, enc, ["ECDH-ES", "ECDH-ES+A256KW"]],
    ["members that nobody knows", { ...ecJwk, x5u: "http://127.0.0.1:9/", future: { a: 1 } }, sig, ["ES256"]],
  ])("JWT-06 are taken when they are sound: %s", async (_title, jwk, demands, algorithms) => {
    const imported = importPublicJwk({ ...jwk, kid: "k1" }, demands);
    expect(imported.algorithms).toEqual(algorithms);
    expect(imported.kid).toBe("k1");
    expect(imported.key.type).toBe("public");
    expect(imported.thumbprint).toBe(await calculateJwkThumbprint(jwk as never));
    expect(Object.keys(imported.members).every((name) => ["kty", "crv", "x", "y", "n", "e"].includes(name))).toBe(true);
  });

  const rsaOf = (bits: number, publicExponent = 65_537) =>
    jwkOf(generateKeyPairSync("rsa", { modulusLength: bits, publicExponent }).publicKey);

  it.each<[string, unknown]>([
    ["nothing", undefined],
    ["null", null],
    ["a list", [ecJwk]],
    ["text", JSON.stringify(ecJwk)],
    ["no type", without("kty", ecJwk)],
    ["a symmetric key", { kty: "oct", k: bytes(32) }],
    ["a symmetric key without its key", { kty: "oct" }],
    ["a type that is inherited", { kty: "__proto__", crv: "constructor" }],
    ["a private EC key", jwkOf(ec.privateKey)],
    ["a private RSA key", jwkOf(rsa.privateKey)],
    ["one private member", { ...rsaJwk, qi: "AQ" }],
    ["an empty private member", { ...ecJwk, d: "" }],
    ["a point off the curve", { ...ecJwk, y: jwkOf(generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey).y }],
    ["the point (0, 0)", { ...ecJwk, x: bytes(32, 0), y: bytes(32, 0) }],
    ["a coordinate beyond the field", { ...ecJwk, x: bytes(32, 255) }],
    ["a coordinate too short", { ...ecJwk, x: bytes(31) }],
    [
      "a coordinate too long",
      {
        ...ecJwk,
        x: `${Buffer.concat([Buffer.alloc(1), Buffer.from(ecJwk.x ?? "", "base64url")]).toString("base64url")}`,
      },
    ],
    ["a coordinate missing", without("y", ecJwk)],
    ["a coordinate that is a number", { ...ecJwk, x: 7 }],
    ["another spelling of a coordinate", { ...ecJwk, x: spelledOtherwise(ecJwk.x ?? "") }],
    ["padding", { ...ecJwk, x: `${ecJwk.x}=` }],
    ["base64 of the other kind", { ...rsaJwk, n: `+${rsaJwk.n?.slice(1)}` }],
    ["another curve under this one's name", { ...ecJwk, crv: "P-384" }],
    ["a curve that is not served", { ...ecJwk, crv: "secp256k1" }],
    ["an exponent of 1", { ...rsaJwk, e: "AQ" }],
    ["an exponent of 3", rsaOf(2048, 3)],
    ["an even exponent", { ...rsaJwk, e: Buffer.from([1, 0, 2]).toString("base64url") }],
    ["an exponent of 64 bits", { ...rsaJwk, e: bytes(8) }],
    ["a modulus of 1024 bits", rsaOf(1024)],
    ["a modulus of 16384 bits", { ...rsaJwk, n: bytes(2048) }],
    [
      "a modulus with a zero before it",
      {
        ...rsaJwk,
        n: Buffer.concat([Buffer.alloc(1), Buffer.from(rsaJwk.n ?? "", "base64url")]).toString("base64url"),
      },
    ],
  ])("JWT-06 are refused: %s", (_title, jwk) => {
    for (const demands of [sig, enc]) expect(() => importPublicJwk(jwk, demands)).toThrow(JwkRefused);
  });

  it.each<[string, object]>([
    ["for encryption", { use: "enc" }],
    ["for something else", { use: "SIG" }],
    ["use that is no text", { use: ["sig"] }],
    ["an operation of encryption", { key_ops: ["verify", "encrypt"] }],
    ["a private operation", { key_ops: ["sign", "verify"] }],
    ["an operation twice", { key_ops: ["verify", "verify"] }],
    ["no operation at all", { key_ops: [] }],
    ["operations that are no list", { key_ops: "verify" }],
    ["operations that are no text", { key_ops: [1] }],
    ["another algorithm", { alg: "ES384" }],
    ["an algorithm of another kind of key", { alg: "RS256" }],
    ["no algorithm", { alg: "none" }],
    ["a symmetric algorithm", { alg: "HS256" }],
    ["another case", { alg: "es256" }],
    ["an algorithm that is no text", { alg: null }],
    ["an empty id", { kid: "" }],
    ["a long id", { kid: "k".repeat(257) }],
    ["an id that is no text", { kid: 7 }],
  ])("JWT-19 are held to their own words: %s", (_title, members) => {
    expect(() => importPublicJwk({ ...ecJwk, ...members }, sig)).toThrow(JwkRefused);
  });

  it("JWT-19 a set is taken whole or not at all: doubled ids, private or symmetric keys among them, too many", () => {
    const keys = [{ ...ecJwk, kid: "a" }, { ...edJwk, kid: "b" }, rsaJwk];
    expect(importPublicJwkSet({ keys }, sig).map(({ kid }) => kid)).toEqual(["a", "b", undefined]);
    const refused: unknown[] = [
      undefined,
      keys,
      { keys: { 0: ecJwk } },
      { keys: [...keys, { ...rsaJwk, kid: "a" }] },
      { keys: [...keys, { kty: "oct", k: bytes(32), kid: "c" }] },
      { keys: [...keys, jwkOf(ec.privateKey)] },
      { keys: [...keys, { ...ecJwk, use: "enc", kid: "c" }] },
      { keys: Array.from({ length: 101 }, () => ecJwk) },
    ];
    for (const set of refused) expect(() => importPublicJwkSet(set, sig)).toThrow(JwkRefused);
  });

  it("SEC-05 a refusal repeats nothing of the key", () => {
    const secret = jwkOf(ec.privateKey);
    const refusals = [
      secret,
      { ...ecJwk, kid: secret.d?.repeat(20) },
      { ...ecJwk, alg: secret.d },
      { ...ecJwk, x: secret.d },
    ];
    for (const jwk of refusals) {
      let said = "";
      try {
        importPublicJwk(jwk, sig);
      } catch (error) {
        said = String(error);
      }
      expect(said).toContain("JwkRefused");
      expect(said).not.toContain(secret.d?.slice(0, 8));
    }
  });
});
