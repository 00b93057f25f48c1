// Paths that are safe, and what may be said of them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { changesNothing, requireSafePath, templateOf } from "../../../src/vault/paths.ts";

describe("a safe path", () => {
  it("is the same after every normalisation that a server or a proxy might do", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), (path) => {
        try {
          requireSafePath(path);
        } catch (error) {
          expect(error).toBeInstanceOf(TypeError);
          return;
        }
        expect(new URL(`http://v/v1/${path}`).pathname).toBe(`/v1/${path}`);
        expect(decodeURIComponent(path)).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });

  it.each(["a", "transit/keys/gatehouse-1_es256.x", "a/b/c", "A0"])("may be %s", (path) => {
    expect(() => requireSafePath(path)).not.toThrow();
  });

  it.each(["..", ".", "a/..", "../a", "a/./b", "-a", "a//b", "/a", "a/", "", "a%", "a b", "a?b", "a\n", "ä", "a\0"])(
    "CVE-2026-3605 is not %j, and the error does not repeat it",
    (path) => {
      expect(() => requireSafePath(path)).toThrow(/^a path of vault has a name that is not safe$/);
    },
  );
});

describe("a template", () => {
  it.each([
    ["transit/sign/gatehouse-x", "transit/sign/:name"],
    ["team/transit/keys/k/config", "team/:name/keys/:name/config"],
    ["auth/approle/login", "auth/approle/login"],
    ["auth/approle/role/gatehouse/secret-id", "auth/approle/role/:name/secret-id"],
    ["sys/policies/acl/mine", "sys/policies/acl/:name"],
  ])("of %s is %s", (path, template) => {
    expect(templateOf(path)).toBe(template);
  });
});

describe("what only computes", () => {
  it.each([
    ["transit/sign/k", true],
    ["transit/sign/k/sha2-256", true],
    ["team/transit/decrypt/k", true],
    ["transit/keys/k", false],
    ["transit/keys/sign", false],
    ["transit/keys/k/rotate", false],
    ["auth/token/create", false],
    ["transit/datakey/plaintext/k", false],
  ])("%s: %s", (path, expected) => {
    expect(changesNothing(path)).toBe(expected);
  });
});
