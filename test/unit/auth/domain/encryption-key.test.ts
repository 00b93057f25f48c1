// Public keys that tokens are encrypted to: what is taken, and what an administrator or an attacker could hand in.
import { generateKeyPairSync, hash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { type OfferedKey, readEncryptionKey } from "../../../../src/auth/domain/encryption-key.ts";

const empty: OfferedKey = { kty: "", use: "", alg: "", kid: "", crv: "", x: "", y: "", n: "", e: "" };
const rsa = generateKeyPairSync("rsa", { modulusLength: 2048 });
const ec = generateKeyPairSync("ec", { namedCurve: "P-256" });
const offered = (key: { export(options: { format: "jwk" }): object }, more: Partial<OfferedKey> = {}) => ({
  ...empty,
  ...(key.export({ format: "jwk" }) as Partial<OfferedKey>),
  ...more,
});
const good = offered(rsa.publicKey);
const goodEc = offered(ec.publicKey);

describe("the encryption key of a client", () => {
  it("JWT-21 is named by its RFC 7638 thumbprint unless its owner has a name for it", () => {
    const { n, e } = good;
    const thumbprint = hash("sha256", JSON.stringify({ e, kty: "RSA", n }), "base64url");
    expect(readEncryptionKey(good)).toEqual({
      key: { kty: "RSA", n, e, alg: "RSA-OAEP-256", use: "enc", kid: thumbprint },
    });
    expect(readEncryptionKey({ ...good, kid: "their-key.1", use: "enc" })).toMatchObject({
      key: { kid: "their-key.1" },
    });
    const { crv, x, y } = goodEc;
    expect(readEncryptionKey(goodEc)).toEqual({
      key: {
        kty: "EC",
        crv,
        x,
        y,
        alg: "ECDH-ES",
        use: "enc",
        kid: hash("sha256", JSON.stringify({ crv, kty: "EC", x, y }), "base64url"),
      },
    });
    expect(readEncryptionKey({ ...goodEc, alg: "ECDH-ES+A256KW" })).toMatchObject({ key: { alg: "ECDH-ES+A256KW" } });
  });

  it("JWT-20 is kept with public members alone, whatever else the key that came with them has", () => {
    const whole = offered(rsa.privateKey);
    const read = readEncryptionKey(whole);
    expect(Object.keys("key" in read ? read.key : {}).toSorted()).toEqual(["alg", "e", "kid", "kty", "n", "use"]);
  });

  const offCurve = { ...goodEc, y: goodEc.x };
  const weak = offered(generateKeyPairSync("rsa", { modulusLength: 1024 }).publicKey);
  const three = offered(generateKeyPairSync("rsa", { modulusLength: 2048, publicExponent: 3 }).publicKey);
  const p384Key = generateKeyPairSync("ec", { namedCurve: "P-384" });
  const p384 = offered(p384Key.publicKey);
  const zero = Buffer.alloc(1);
  const fromBase64 = (text: string) => Buffer.from(text, "base64url");
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  /** The letter that stands for the same bytes at the end, with another bit that says nothing. */
  const oneOn = (text: string) => letters[letters.indexOf(text.at(-1) ?? "") + 1];

  it.each([
    ["kty", "no key", empty],
    ["kty", "a symmetric key", { ...empty, kty: "oct" }],
    ["kty", "a name of an object's own", { ...empty, kty: "__proto__" }],
    ["kty", "a name that every object has", { ...empty, kty: "constructor" }],
    ["kty", "a key for signatures alone", { ...empty, kty: "OKP", crv: "Ed25519", x: "AA" }],
    ["n", "members of the other type", { ...goodEc, kty: "RSA" }],
    ["n", "no modulus", { ...good, n: "" }],
    ["e", "an exponent that is no base64url", { ...good, e: "!" }],
    ["kty", "a point that is not on the curve", offCurve],
    ["crv", "another curve", p384],
    ["crv", "no curve", { ...goodEc, crv: "" }],
    ["crv", "a curve of another kind", { ...goodEc, crv: "X25519" }],
    ["y", "another curve under this one's name", { ...p384, crv: "P-256", x: goodEc.x }],
    ["use", "a key for signatures", { ...good, use: "sig" }],
    ["alg", "PKCS#1 v1.5", { ...good, alg: "RSA1_5" }],
    ["alg", "SHA-1", { ...good, alg: "RSA-OAEP" }],
    ["alg", "a password", { ...good, alg: "PBES2-HS256+A128KW" }],
    ["alg", "a signature algorithm", { ...goodEc, alg: "ES256" }],
    ["alg", "the algorithm of the other type", { ...good, alg: "ECDH-ES" }],
    ["kid", "a name that is a header of its own", { ...good, kid: 'a","zip":"DEF' }],
    ["kid", "a name with a line feed", { ...good, kid: "a\n" }],
    ["n", "a short modulus", weak],
    ["e", "a small exponent", three],
    ["e", "an even exponent", { ...good, e: Buffer.from([1, 0, 2]).toString("base64url") }],
    ["e", "an exponent of 40 bits", { ...good, e: Buffer.from([1, 0, 0, 0, 1]).toString("base64url") }],
    ["e", "an exponent with a zero before it", { ...good, e: "AAEAAQ" }],
    [
      "n",
      "a modulus with a zero before it",
      { ...good, n: Buffer.concat([zero, fromBase64(good.n)]).toString("base64url") },
    ],
    ["n", "a modulus beyond the most", { ...good, n: Buffer.alloc(1025, 255).toString("base64url") }],
    ["n", "base64 of the other kind", { ...good, n: `+${good.n.slice(1)}` }],
    ["e", "padding", { ...good, e: "AQAB==" }],
    ["x", "a space in a coordinate", { ...goodEc, x: ` ${goodEc.x}` }],
    ["x", "another spelling of a coordinate", { ...goodEc, x: `${goodEc.x.slice(0, -1)}${oneOn(goodEc.x)}` }],
    [
      "x",
      "a coordinate that is too long",
      { ...goodEc, x: Buffer.concat([zero, fromBase64(goodEc.x)]).toString("base64url") },
    ],
  ] as const)("JWT-19 JWT-09 refuses at %s: %s", (member, _title, key) => {
    expect(readEncryptionKey({ ...empty, ...key })).toEqual({ member, fault: expect.any(String) });
  });

  it("JWT-19 refuses the point at infinity and a coordinate that is cut short", () => {
    const zeros = Buffer.alloc(32).toString("base64url");
    for (const [change, member] of [
      [{ x: zeros, y: zeros }, "kty"],
      [{ x: "" }, "x"],
      [{ x: goodEc.x.slice(4) }, "x"],
    ] as const)
      expect(readEncryptionKey({ ...goodEc, ...change })).toMatchObject({ member });
  });

  it("JWT-19 takes one spelling of a key alone, so that one key has one thumbprint", () => {
    const { crv, x, y } = offered(p384Key.publicKey);
    expect(readEncryptionKey({ ...good, crv, x, y })).toEqual(readEncryptionKey(good));
  });

  it.each([
    [{ ...good, n: "" }, "n must be canonical base64url"],
    [weak, "n must be of 2048 to 8192 bits"],
    [three, "e must be odd, 65537 or more, and of 32 bits at most"],
    [p384, "crv must be P-256"],
    [{ ...goodEc, x: goodEc.x.slice(4) }, "x must be of 32 bytes"],
    [offCurve, "kty must come with the public members of such a key"],
    [{ ...good, use: "sig" }, "use must be enc, or be left out"],
    [{ ...good, alg: "RSA1_5" }, "alg or the kind of the key is not one that is used here"],
    [{ ...empty, kty: "oct" }, "kty must be RSA or EC"],
  ])("SEC-05 says what is wrong and repeats nothing of the key", (key, sentence) => {
    const read = readEncryptionKey({ ...empty, ...key });
    expect("fault" in read && `${read.member} ${read.fault}`).toBe(sentence);
  });
});
