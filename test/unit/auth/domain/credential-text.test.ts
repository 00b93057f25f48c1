// Text of machines' credentials: random, recognisable, and of one kind alone.
import { describe, expect, it } from "vitest";
import { isCredentialText, makeCredentialText, shownPrefix } from "../../../../src/auth/domain/credential-text.ts";

const key = makeCredentialText("api_key");
const replaced = (text: string, index: number, by: string) => text.slice(0, index) + by + text.slice(index + 1);

describe("the text of a credential", () => {
  it("TOK-25 holds more than 128 random bits beside what is shown of it, from the whole alphabet", () => {
    const made = Array.from({ length: 2_000 }, () => makeCredentialText("api_key"));
    expect(new Set(made).size).toBe(made.length);
    expect(new Set(made.flatMap((text) => [...text.slice(4, 34)])).size).toBe(62);
    const unseen = 34 - shownPrefix(key).length;
    expect(unseen * Math.log2(62)).toBeGreaterThanOrEqual(128);
  });

  it("TOK-25 is of its kind, in its own spelling and no other", () => {
    expect(isCredentialText("api_key", key)).toBe(true);
    expect(isCredentialText("client_secret", key)).toBe(false);
    expect(isCredentialText("client_secret", makeCredentialText("client_secret"))).toBe(true);
    for (const wrong of ["", "ghk_", key.slice(0, -1), `${key}0`, ` ${key}`, `${key}\n`, key.replace("ghk_", "ghc_")])
      expect(isCredentialText("api_key", wrong)).toBe(false);
  });

  it("CVE-2026-27840 fails its checksum when any letter is another", () => {
    for (let index = 0; index < key.length; index += 1) {
      const other = key[index] === "0" ? "1" : "0";
      expect(isCredentialText("api_key", replaced(key, index, other))).toBe(false);
    }
  });

  it("has a checksum that others can compute: CRC-32 of what stands before it, in base 62", () => {
    // From RFC 1952's polynomial, bit by bit, and not from node:zlib.
    const text = key.slice(0, -6);
    let crc = 0xffffffff;
    for (const byte of Buffer.from(text)) {
      crc ^= byte;
      for (let bit = 0; bit < 8; bit += 1) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1;
    }
    const digits = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    const value = [...key.slice(-6)].reduce((sum, digit) => sum * 62 + digits.indexOf(digit), 0);
    expect(value).toBe((crc ^ 0xffffffff) >>> 0);
  });
});
