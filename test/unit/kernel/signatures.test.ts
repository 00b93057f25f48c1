// Signatures of every algorithm, with WebCrypto as the other side.
import { generateKeyPairSync, type KeyObject, sign, type webcrypto } from "node:crypto";
import { describe, expect, it } from "vitest";
import type { SignatureAlgorithm } from "../../../src/kernel/sealing.ts";
import { createSign, createVerify, signatureAlgorithms } from "../../../src/kernel/signatures.ts";

type Scheme = { readonly name: string } & Partial<
  webcrypto.EcKeyImportParams & webcrypto.RsaPssParams & webcrypto.EcdsaParams
>;

const rsa = () => generateKeyPairSync("rsa", { modulusLength: 2048 });
const peers: Readonly<
  Record<SignatureAlgorithm, { scheme: Scheme; make: () => { privateKey: KeyObject; publicKey: KeyObject } }>
> = {
  ES256: {
    scheme: { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" },
    make: () => generateKeyPairSync("ec", { namedCurve: "P-256" }),
  },
  EdDSA: { scheme: { name: "Ed25519" }, make: () => generateKeyPairSync("ed25519") },
  RS256: { scheme: { name: "RSASSA-PKCS1-v1_5", hash: "SHA-256" }, make: rsa },
  PS256: { scheme: { name: "RSA-PSS", hash: "SHA-256", saltLength: 32 }, make: rsa },
};
const algorithms = signatureAlgorithms as readonly SignatureAlgorithm[];
const input = Buffer.from("eyJhbGciOiJFUzI1NiJ9.e30", "latin1");

describe.each(algorithms)("%s", (algorithm) => {
  const { scheme, make } = peers[algorithm];
  const { privateKey, publicKey } = make();

  it("is signed as WebCrypto verifies it", async () => {
    const key = publicKey.toCryptoKey(scheme, true, ["verify"]);
    const signature = await createSign(algorithm, privateKey)(input);
    expect(await crypto.subtle.verify(scheme, key, Buffer.from(signature), input)).toBe(true);
  });

  it("is verified as WebCrypto signs it", async () => {
    const key = privateKey.toCryptoKey(scheme, false, ["sign"]);
    const signature = new Uint8Array(await crypto.subtle.sign(scheme, key, input));
    expect(await createVerify(algorithm, publicKey)(input, signature)).toBe(true);
  });

  it("is refused for other input, under another key, and with any byte changed", async () => {
    const signature = await createSign(algorithm, privateKey)(input);
    const verify = createVerify(algorithm, publicKey);
    expect(await verify(Buffer.from(`${input}.`), signature)).toBe(false);
    expect(await createVerify(algorithm, make().publicKey)(input, signature)).toBe(false);
    const changed = await Promise.all(
      [0, 31, 32, signature.length - 1].map((at) => {
        const other = Buffer.from(signature);
        other[at] = (other[at] ?? 0) ^ 1;
        return verify(input, other);
      }),
    );
    expect(changed).toEqual([false, false, false, false]);
  });

  it("is refused when it is shorter or longer, empty, or nothing but noughts", async () => {
    const signature = await createSign(algorithm, privateKey)(input);
    const verify = createVerify(algorithm, publicKey);
    const wrong = [
      signature.subarray(1),
      Buffer.concat([signature, Buffer.from([0])]),
      Buffer.alloc(0),
      Buffer.alloc(signature.length),
    ];
    for (const given of wrong) expect(await verify(input, given)).toBe(false);
  });
});

it("JWT-05 an ES256 signature in DER is no signature of a token", async () => {
  const { privateKey, publicKey } = peers.ES256.make();
  const der = sign("sha256", input, privateKey);
  expect(await createVerify("ES256", publicKey)(input, der)).toBe(false);
});
