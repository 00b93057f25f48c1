// Encrypted access tokens, as an independent reader (jose) opens them.
import { compactDecrypt, exportJWK, generateKeyPair } from "jose";
import { describe, expect, it } from "vitest";
import { encryptToken } from "../../../../src/token/domain/encryption.ts";

const signed = "header.payload.signature";

async function recipient(alg: string) {
  const { publicKey, privateKey } = await generateKeyPair(alg, {
    modulusLength: 2048,
    crv: "P-256",
    extractable: true,
  });
  const members = Object.entries(await exportJWK(publicKey)).map(([name, value]) => [name, String(value)] as const);
  return { key: { ...Object.fromEntries(members), alg, use: "enc", kid: "k1" }, privateKey };
}

const headerOf = (token: string) =>
  JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()) as Record<string, unknown>;

describe.each(["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"])("J-10 a token under %s", (alg) => {
  it("is opened by jose, and holds the signed token", async () => {
    const { key, privateKey } = await recipient(alg);
    const token = encryptToken(signed, key);
    const { plaintext, protectedHeader } = await compactDecrypt(token, privateKey, {
      keyManagementAlgorithms: [alg],
      contentEncryptionAlgorithms: ["A256GCM"],
    });
    expect(Buffer.from(plaintext).toString()).toBe(signed);
    expect(protectedHeader).toMatchObject({ alg, enc: "A256GCM", kid: "k1", cty: "JWT" });
  });

  it("JWT-08 JWT-09 is neither compressed nor under a password", async () => {
    const header = headerOf(encryptToken(signed, (await recipient(alg)).key));
    expect(Object.keys(header).sort()).toEqual(
      alg === "RSA-OAEP-256" ? ["alg", "cty", "enc", "kid"] : ["alg", "cty", "enc", "epk", "kid"],
    );
  });

  it("is new each time, and opens with no other key and no bit changed", async () => {
    const { key, privateKey } = await recipient(alg);
    const tokens = Array.from({ length: 20 }, () => encryptToken(signed, key));
    for (const part of [2, 3, 4]) expect(new Set(tokens.map((token) => token.split(".")[part])).size).toBe(20);
    const [token = ""] = tokens;
    await expect(compactDecrypt(token, (await recipient(alg)).privateKey)).rejects.toThrow();
    for (const part of [0, 2, 3, 4]) {
      const parts = token.split(".");
      const bytes = Buffer.from(parts[part] ?? "", "base64url");
      bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 1;
      parts[part] = bytes.toString("base64url");
      await expect(compactDecrypt(parts.join("."), privateKey)).rejects.toThrow();
    }
  });
});

describe("a key that was stored with another algorithm", () => {
  it.each(["RSA1_5", "RSA-OAEP", "PBES2-HS256+A128KW", "dir", "A256KW", ""])(
    "JWT-09 %s encrypts nothing",
    async (alg) => {
      const { key } = await recipient("RSA-OAEP-256");
      expect(() => encryptToken(signed, { ...key, alg })).toThrow(TypeError);
    },
  );
});
