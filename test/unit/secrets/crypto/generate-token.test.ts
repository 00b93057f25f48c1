// GenerateToken: enough randomness or none at all, evenly drawn, in the form that was asked for.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import {
  GenerateTokenRequestSchema,
  type GenerateTokenResponse,
  TokenAlphabet,
} from "@gatehouse/proto/gatehouse/secrets/v1/crypto_service_pb.js";
import { describe, expect, it } from "vitest";
import { createGenerateToken } from "../../../../src/secrets/crypto/generate-token.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { principalOf } from "../../../fakes/principal.ts";

const handler = createGenerateToken();
const call = fakeCall({ principal: principalOf({}) });

function generate(request: MessageInitShape<typeof GenerateTokenRequestSchema> = {}): GenerateTokenResponse {
  return handler(create(GenerateTokenRequestSchema, request), call) as GenerateTokenResponse;
}

const refusal = (request: MessageInitShape<typeof GenerateTokenRequestSchema>) => {
  try {
    generate(request);
    return undefined;
  } catch (error) {
    return error;
  }
};

describe("GenerateToken", () => {
  it("M-06 gives 256 bits of digits and letters when nothing else is asked for", () => {
    const { token, entropyBits } = generate();
    expect(token).toMatch(/^[0-9A-Za-z]{43}$/);
    expect(entropyBits).toBe(256);
  });

  it.each([
    [TokenAlphabet.ALPHANUMERIC, /^[0-9A-Za-z]{43}$/],
    [TokenAlphabet.BASE64URL, /^[\w-]{43}$/],
    [TokenAlphabet.HEX, /^[0-9a-f]{64}$/],
    [TokenAlphabet.CROCKFORD, /^[0-9A-HJKMNP-TV-Z]{52}$/],
    [TokenAlphabet.DIGITS, /^\d{78}$/],
  ])("M-06 alphabet %i", (alphabet, form) => {
    expect(generate({ alphabet }).token).toMatch(form);
    expect(generate({ alphabet }).entropyBits).toBeGreaterThanOrEqual(256);
  });

  it("M-06 takes length, prefix and an alphabet of one's own", () => {
    const { token, entropyBits } = generate({ length: 300, prefix: "acme_live_", customAlphabet: "01" });
    expect(token).toMatch(/^acme_live_[01]{300}$/);
    expect(entropyBits).toBe(300);
    expect(generate({ length: 1_024 }).token).toHaveLength(1_024);
  });

  it("TOK-11 refuses what could be guessed, and says how long it must be", () => {
    expect(refusal({ length: 21 })).toMatchObject({
      reason: "REQUEST_INVALID",
      violations: [{ field: "length", description: "must be at least 22 characters of this alphabet" }],
    });
    expect(generate({ length: 22 }).entropyBits).toBe(130);
    expect(refusal({ length: 6, alphabet: TokenAlphabet.DIGITS })).toMatchObject({ violations: [{ field: "length" }] });
    expect(refusal({ length: 127, customAlphabet: "ab" })).toMatchObject({ violations: [{ field: "length" }] });
    expect(generate({ length: 128, customAlphabet: "ab" }).entropyBits).toBe(128);
  });

  it.each(["a", "aa", "abca", "ab c", "ab\n", "abé", "😀a"])("refuses the alphabet %j", (customAlphabet) => {
    expect(refusal({ customAlphabet })).toMatchObject({ violations: [{ field: "custom_alphabet" }] });
  });

  it("refuses two alphabets", () => {
    expect(refusal({ customAlphabet: "abcdef", alphabet: TokenAlphabet.HEX })).toMatchObject({
      violations: [{ field: "alphabet" }],
    });
  });

  it("TOK-11 never gives the same twice, and draws every character of the alphabet as often as the others", () => {
    const tokens = Array.from({ length: 2_000 }, () => generate({ alphabet: TokenAlphabet.CROCKFORD }).token);
    expect(new Set(tokens).size).toBe(tokens.length);
    const counts = Object.groupBy([...tokens.join("")], (character) => character);
    const expected = (2_000 * 52) / 32;
    expect(Object.keys(counts)).toHaveLength(32);
    // Six standard deviations: about one failure in ten million runs.
    for (const found of Object.values(counts))
      expect(Math.abs((found?.length ?? 0) - expected)).toBeLessThan(6 * Math.sqrt(expected));
  });

  it("P-05 leaves nothing of the token in the record", () => {
    const { token } = generate();
    expect(JSON.stringify(call.audit)).not.toContain(token.slice(0, 12));
  });
});
