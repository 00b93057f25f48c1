// One-time tokens and names of scopes.
import { describe, expect, it } from "vitest";
import { isOneTimeToken, makeOneTimeToken } from "../../../../src/auth/domain/one-time-token.ts";
import { isScopeName } from "../../../../src/auth/domain/scope-name.ts";

describe("one-time tokens", () => {
  it("PWD-22 hold 256 random bits and never repeat", () => {
    const tokens = Array.from({ length: 1_000 }, () => makeOneTimeToken("bootstrap"));
    expect(new Set(tokens).size).toBe(1_000);
    for (const token of tokens) expect(Buffer.from(token.slice(4), "base64url")).toHaveLength(32);
  });

  it("are of one kind", () => {
    const token = makeOneTimeToken("invitation");
    expect(isOneTimeToken("invitation", token)).toBe(true);
    expect(isOneTimeToken("bootstrap", token)).toBe(false);
    expect(isOneTimeToken("recovery", makeOneTimeToken("bootstrap"))).toBe(false);
  });

  it("have one text form: truncated, extended and re-encoded ones are none", () => {
    const token = makeOneTimeToken("bootstrap");
    const alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    // The last character carries two bits that decode to nothing.
    const stray = token.slice(0, -1) + alphabet.charAt(alphabet.indexOf(token.slice(-1)) ^ 1);
    expect(Buffer.from(stray.slice(4), "base64url")).toEqual(Buffer.from(token.slice(4), "base64url"));
    for (const other of [
      token.slice(0, -1),
      `${token}A`,
      `${token}=`,
      ` ${token}`,
      `${token}\n`,
      token.slice(4),
      stray,
      "",
    ]) {
      expect(isOneTimeToken("bootstrap", other)).toBe(false);
    }
  });
});

describe("isScopeName", () => {
  it.each(["*", "secrets.read", "token.introspect.reason", "grants"])("takes %s", (scope) => {
    expect(isScopeName(scope)).toBe(true);
  });
  it.each(["", "secrets.read *", "a b", "*.*", "secrets.*", "Secrets.read", "secrets.", ".read", "a\nb", "a\t*"])(
    "refuses %j",
    (scope) => {
      expect(isScopeName(scope)).toBe(false);
    },
  );
});
