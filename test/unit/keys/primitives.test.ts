// The primitives under the keys, against their standards' own known answers: a platform that fails these is no platform.
import { createCipheriv, createDecipheriv, createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { aes256Gcm, hkdf, hmac } from "../../fixtures/vectors/published.ts";

const hex = (text: string) => Buffer.from(text, "hex");

describe("primitives", () => {
  it.each(aes256Gcm)("AES-256-GCM: $name", (vector) => {
    const cipher = createCipheriv("aes-256-gcm", hex(vector.key), hex(vector.iv), { authTagLength: 16 });
    cipher.setAAD(hex(vector.additionalData));
    expect(Buffer.concat([cipher.update(hex(vector.plaintext)), cipher.final()]).toString("hex")).toBe(
      vector.ciphertext,
    );
    expect(cipher.getAuthTag().toString("hex")).toBe(vector.tag);
  });

  it("KEY-02 the pinned tag length refuses short tags where the default would take them", () => {
    const [, vector] = aes256Gcm;
    for (const length of [4, 8, 12, 15]) {
      const decipher = createDecipheriv("aes-256-gcm", hex(vector.key), hex(vector.iv), { authTagLength: 16 });
      expect(() => decipher.setAuthTag(hex(vector.tag).subarray(0, length))).toThrow();
    }
  });

  it("HMAC: RFC 4231 test case 2", () => {
    expect(createHmac("sha256", hmac.key).update(hmac.data).digest("hex")).toBe(hmac.sha256);
    expect(createHmac("sha512", hmac.key).update(hmac.data).digest("hex")).toBe(hmac.sha512);
  });

  it("HKDF-Expand of one block is one HMAC over info and 0x01: RFC 5869 appendix A.1", () => {
    const block = createHmac("sha256", hex(hkdf.pseudoRandomKey))
      .update(hex(hkdf.info))
      .update(hex("01"))
      .digest("hex");
    expect(block).toBe(hkdf.firstBlock);
  });
});
