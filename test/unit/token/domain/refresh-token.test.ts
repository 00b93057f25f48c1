// The text of refresh tokens.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readRefreshToken, writeRefreshToken } from "../../../../src/token/domain/refresh-token.ts";
import { createRefreshTokens } from "../../../../src/token/refresh-tokens.ts";
import { createTestMacs } from "../../../fakes/token-world.ts";

const name = fc.record({ sessionId: fc.uuid(), number: fc.nat({ max: 0xffff_ffff }) });
const sample = { sessionId: "01890000-0000-7000-8000-0000000000aa", number: 7 };

describe("the form of a refresh token", () => {
  it("gives back what it was made of", () => {
    const parts = fc.record({
      sessionId: fc.uuid(),
      number: fc.nat({ max: 0xffff_ffff }),
      keyVersion: fc.nat({ max: 0xffff }),
      mac: fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes)),
    });
    fc.assert(
      fc.property(parts, (token) => {
        const text = writeRefreshToken(token);
        expect(text).toHaveLength(76);
        expect(readRefreshToken(text)).toEqual(token);
      }),
    );
  });

  it("never throws, and every text that it takes is the one spelling", () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom(..."AZaz09-_+/="), minLength: 70, maxLength: 74 }).map((end) => `ghr_${end}`),
    );
    fc.assert(
      fc.property(text, (candidate) => {
        const read = readRefreshToken(candidate);
        if (read !== undefined) expect(writeRefreshToken(read)).toBe(candidate);
      }),
    );
  });
});

describe("CVE-2026-27840 a refresh token", () => {
  const tokens = createRefreshTokens(createTestMacs());
  const { text } = tokens.write(sample);

  it("is taken as it was made", () => {
    fc.assert(
      fc.property(name, (made) => {
        expect(tokens.read(tokens.write(made).text)).toEqual({ ...made, keyVersion: 1 });
      }),
    );
  });

  it("is refused when truncated or extended", () => {
    for (let length = 0; length < text.length; length += 1) expect(tokens.read(text.slice(0, length))).toBeUndefined();
    for (const more of ["A", "=", "==", ".", " ", "\n", "\0", "AAAA"]) {
      expect(tokens.read(text + more)).toBeUndefined();
      expect(tokens.read(more + text)).toBeUndefined();
    }
  });

  it("is refused with any character changed", () => {
    for (let at = 0; at < text.length; at += 1) {
      for (const character of ["A", "B", "_", "+", "\0"]) {
        if (text[at] === character) continue;
        expect(tokens.read(text.slice(0, at) + character + text.slice(at + 1))).toBeUndefined();
      }
    }
  });

  it("is refused with any bit flipped", () => {
    const bytes = Buffer.from(text.slice(4), "base64url");
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const flipped = Buffer.from(bytes);
      flipped[bit >> 3] = (flipped[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(tokens.read(`ghr_${flipped.toString("base64url")}`)).toBeUndefined();
    }
  });

  it("is refused in another encoding of the same bytes", () => {
    const bytes = Buffer.from(text.slice(4), "base64url");
    for (const again of [bytes.toString("hex"), `${bytes.toString("base64url")}==`]) {
      expect(tokens.read(`ghr_${again}`)).toBeUndefined();
    }
    expect(tokens.read(text.toUpperCase())).toBeUndefined();
    expect(tokens.read(text.slice(4))).toBeUndefined();
  });
});

describe("the key of refresh tokens", () => {
  it("turns over: old tokens are taken and made again under the old version, until it is destroyed", () => {
    const macs = createTestMacs();
    const tokens = createRefreshTokens(macs);
    const before = tokens.write(sample);
    macs.turnOver();
    const after = tokens.write(sample);
    expect([before.keyVersion, after.keyVersion]).toEqual([1, 2]);
    expect(tokens.read(before.text)?.keyVersion).toBe(1);
    expect(tokens.write(sample, 1).text).toBe(before.text);
    macs.forget(1);
    expect(tokens.read(before.text)).toBeUndefined();
    expect(tokens.read(after.text)).toBeDefined();
  });

  it("means nothing to another installation", () => {
    const other = createRefreshTokens(createTestMacs());
    expect(other.read(createRefreshTokens(createTestMacs()).write(sample).text)).toBeUndefined();
  });

  it("TOK-11 100,000 tokens: no repeat, and no shared beginning but the type's", () => {
    const tokens = createRefreshTokens(createTestMacs());
    const made = new Set<string>();
    const beginnings = new Map<string, number>();
    for (let number = 1; number <= 100_000; number += 1) {
      const { text } = tokens.write({ ...sample, number });
      made.add(text);
      beginnings.set(text.slice(0, 10), (beginnings.get(text.slice(0, 10)) ?? 0) + 1);
    }
    expect(made.size).toBe(100_000);
    expect(Math.max(...beginnings.values())).toBeLessThan(4);
  });
});
