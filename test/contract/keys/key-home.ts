// What every key home must do, whatever stands behind it: the suite is run against each home by a test file of its own.
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { type CryptoKey, compactVerify, importJWK, type JWK } from "jose";
import { describe, expect, it } from "vitest";
import type { SignatureAlgorithm } from "../../../src/kernel/sealing.ts";
import { suits } from "../../../src/keys/jwk.ts";
import type { KeyWrapper, SigningKeyHome } from "../../../src/keys/ports.ts";

export interface HomeUnderTest {
  readonly signing: SigningKeyHome;
  readonly wrapper: KeyWrapper;
}

/** `open` gives the same home each time; `openOther` one that shares nothing with it. */
export function keyHomeContract(open: () => Promise<HomeUnderTest>, openOther: () => Promise<HomeUnderTest>): void {
  wrapperContract(open, openOther);
  signingContract(open, openOther);
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
      for (const item of items.slice(0, 6)) expect(await wrapper.unwrap([item])).toEqual([undefined]);
      expect(await (await openOther()).wrapper.unwrap([{ wrapped, context: a }])).toEqual([undefined]);
    });
  });
}

function signingContract(open: () => Promise<HomeUnderTest>, openOther: () => Promise<HomeUnderTest>): void {
  const algorithms: readonly SignatureAlgorithm[] = ["ES256", "EdDSA", "RS256", "PS256"];

  describe("SigningKeyHome", () => {
    it.each(algorithms)(
      "makes %s signatures in the form of JWS that an independent verifier takes",
      async (algorithm) => {
        const { signing } = await open();
        const key = await signing.generate(algorithm, 1);
        const input = `${Buffer.from(JSON.stringify({ alg: algorithm })).toString("base64url")}.cGF5bG9hZA`;
        const signature = await signing.sign(key, Buffer.from(input));
        const verifier = (await importJWK(key.jwk as JWK, algorithm)) as CryptoKey;
        const verified = await compactVerify(`${input}.${signature.toString("base64url")}`, verifier, {
          algorithms: [algorithm],
        });
        expect(Buffer.from(verified.payload).toString()).toBe("payload");
        if (algorithm === "ES256") expect(signature.length).toBe(64);
      },
    );

    it("signs many at once, each its own input", async () => {
      const { signing } = await open();
      const key = await signing.generate("ES256", 1);
      const inputs = Array.from({ length: 50 }, (_, at) => Buffer.from(`input ${at}`));
      const signatures = await Promise.all(inputs.map((input) => signing.sign(key, input)));
      const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
      const right = inputs.map((input, at) =>
        verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signatures[at]!),
      );
      expect(right.every(Boolean)).toBe(true);
    });

    it.each(algorithms)(
      "JWT-20 JWT-07 hands out the public members of a strong %s key, and no others",
      async (algorithm) => {
        const { jwk, handle, ...rest } = await (await open()).signing.generate(algorithm, 1);
        expect(rest).toEqual({ algorithm });
        const names = { ES256: ["crv", "kty", "x", "y"], EdDSA: ["crv", "kty", "x"], RS256: ["e", "kty", "n"] };
        expect(Object.keys(jwk).sort()).toEqual(names[algorithm === "PS256" ? "RS256" : algorithm]);
        expect(suits(algorithm, createPublicKey({ key: { ...jwk }, format: "jwk" }))).toBe(true);
        expect(handle.length).toBeGreaterThan(0);
        expect(handle.length).toBeLessThanOrEqual(16_384);
      },
    );

    it("KEY-09 a key signs in its own home alone, and only as the key that it is", async () => {
      const [{ signing }, other] = [await open(), await openOther()];
      const [key, another] = [await signing.generate("ES256", 1), await signing.generate("EdDSA", 1)];
      await expect(other.signing.sign(key, Buffer.from("x"))).rejects.toThrow();
      await expect(signing.sign({ ...key, handle: another.handle }, Buffer.from("x"))).rejects.toThrow();
      await expect(signing.sign({ ...key, handle: "" }, Buffer.from("x"))).rejects.toThrow();
    });

    it("destroys a key as often as it is asked", async () => {
      const { signing } = await open();
      const key = await signing.generate("ES256", 1);
      await signing.destroy(key);
      await signing.destroy(key);
    });
  });
}
