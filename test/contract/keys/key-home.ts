// What every key home must do, whatever stands behind it: the suite is run against each home by a test file of its own.
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { type CryptoKey, compactVerify, importJWK, type JWK } from "jose";
import { describe, expect, it } from "vitest";
import type { SignatureAlgorithm } from "../../../src/kernel/sealing.ts";
import { thumbprint } from "../../../src/keys/jwk.ts";
import type { KeyWrapper, Signer } from "../../../src/keys/ports.ts";

export interface HomeUnderTest {
  readonly signer: Signer;
  readonly wrapper: KeyWrapper;
}

/** `open` gives a home with all four algorithms, the same one each time; `openOther` one that shares nothing with it. */
export function keyHomeContract(open: () => Promise<HomeUnderTest>, openOther: () => Promise<HomeUnderTest>): void {
  wrapperContract(open, openOther);
  signerContract(open);
}

function wrapperContract(open: () => Promise<HomeUnderTest>, openOther: () => Promise<HomeUnderTest>): void {
  const contexts = ["a", "b", "c"].map((name) => Buffer.from(name));
  const [a, b] = contexts as [Buffer, Buffer];

  describe("KeyWrapper", () => {
    it("KEY-11 makes distinct 256-bit keys that unwrap in their context, in the order asked", async () => {
      const { wrapper } = await open();
      const made = await wrapper.generateDataKeys(contexts);
      expect(new Set(made.map((key) => key.plaintext.toString("hex"))).size).toBe(3);
      expect(made.every((key) => key.plaintext.length === 32)).toBe(true);
      const items = made.map((key, at) => ({ wrapped: key.wrapped, context: contexts[at]! }));
      expect(await wrapper.unwrap(items)).toEqual(made.map((key) => key.plaintext));
      expect(await wrapper.unwrap(items.toReversed())).toEqual(made.map((key) => key.plaintext).toReversed());
    });

    it("answers an empty list with an empty list", async () => {
      const { wrapper } = await open();
      expect(await wrapper.generateDataKeys([])).toEqual([]);
      expect(await wrapper.unwrap([])).toEqual([]);
      expect(await wrapper.wrap([])).toEqual([]);
    });

    it("names the wrapping key and its version beside every wrapped key, and never holds the key in clear", async () => {
      const { wrapper } = await open();
      const dataKey = randomBytes(32);
      const [wrapped] = await wrapper.wrap([{ dataKey, context: a }]);
      expect(wrapped!.kekId).not.toBe("");
      expect(wrapped!.kekVersion).toBeGreaterThan(0);
      expect(wrapped!.ciphertext.includes(dataKey)).toBe(false);
      expect(await wrapper.unwrap([{ wrapped: wrapped!, context: a }])).toEqual([dataKey]);
    });

    it("KEY-04 KEY-05 does not unwrap in another context, from another version, key id or home, or changed", async () => {
      const { wrapper } = await open();
      const [made] = await wrapper.generateDataKeys([a]);
      const { wrapped } = made!;
      const changed = Buffer.from(wrapped.ciphertext);
      changed[changed.length - 1] = (changed[changed.length - 1] ?? 0) ^ 1;
      const items = [
        { wrapped, context: b },
        { wrapped, context: Buffer.alloc(0) },
        { wrapped: { ...wrapped, kekVersion: wrapped.kekVersion + 1 }, context: a },
        { wrapped: { ...wrapped, kekId: "another" }, context: a },
        { wrapped: { ...wrapped, ciphertext: changed }, context: a },
        { wrapped: { ...wrapped, ciphertext: Buffer.alloc(0) }, context: a },
        { wrapped, context: a },
      ];
      const opened = await wrapper.unwrap(items);
      expect(opened).toEqual([...Array(6).fill(undefined), made!.plaintext]);
      expect(await (await openOther()).wrapper.unwrap([{ wrapped, context: a }])).toEqual([undefined]);
    });
  });
}

function signerContract(open: () => Promise<HomeUnderTest>): void {
  describe("Signer", () => {
    it.each<SignatureAlgorithm>(["ES256", "EdDSA", "RS256", "PS256"])(
      "makes %s signatures in the form of JWS that an independent verifier takes",
      async (algorithm) => {
        const { signer } = await open();
        const key = signer.current(algorithm);
        const header = Buffer.from(JSON.stringify({ alg: algorithm, kid: key.kid })).toString("base64url");
        const input = `${header}.${Buffer.from("payload").toString("base64url")}`;
        const signature = await signer.sign(key.kid, Buffer.from(input));
        const verifier = (await importJWK(key.jwk as JWK, algorithm)) as CryptoKey;
        const verified = await compactVerify(`${input}.${signature.toString("base64url")}`, verifier, {
          algorithms: [algorithm],
        });
        expect(Buffer.from(verified.payload).toString()).toBe("payload");
        if (algorithm === "ES256") expect(signature.length).toBe(64);
      },
    );

    it("signs many at once, each its own input", async () => {
      const { signer } = await open();
      const key = signer.current("ES256");
      const inputs = Array.from({ length: 50 }, (_, at) => Buffer.from(`input ${at}`));
      const signatures = await Promise.all(inputs.map((input) => signer.sign(key.kid, input)));
      const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
      const right = inputs.map((input, at) =>
        verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signatures[at]!),
      );
      expect(right.every(Boolean)).toBe(true);
    });

    it("JWT-20 JWT-21 publishes public members only, each key once, named by its thumbprint", async () => {
      const { signer } = await open();
      const keys = signer.verificationKeys();
      const names = new Set(keys.flatMap((key) => Object.keys(key.jwk)));
      expect([...names].sort()).toEqual(["alg", "crv", "e", "kid", "kty", "n", "use", "x", "y"]);
      expect(new Set(keys.map((key) => key.kid)).size).toBe(keys.length);
      for (const key of keys) {
        expect(thumbprint(key.jwk as Parameters<typeof thumbprint>[0])).toBe(key.kid);
        expect(key.jwk).toMatchObject({ kid: key.kid, alg: key.algorithm, use: "sig" });
      }
      expect(keys).toContainEqual(signer.current());
    });

    it("signs with no key that it does not list", async () => {
      const { signer } = await open();
      await expect(signer.sign("unknown", Buffer.from("x"))).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    });
  });
}
