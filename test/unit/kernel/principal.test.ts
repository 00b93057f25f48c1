// The one rule of access, on short lists of grants and on long ones, which are looked up by prefix.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Grant, granted } from "../../../src/kernel/principal.ts";

const now = 1_000;
const segment = fc.constantFrom("a", "b", "ab", "");
const resource = fc.array(segment, { maxLength: 4 }).map((segments) => segments.join("/"));
const grant: fc.Arbitrary<Grant> = fc.record({
  permissions: fc.constantFrom(new Set(["p"]), new Set(["q"]), new Set(["*"])),
  resource,
  effect: fc.constantFrom("allow", "allow", "allow", "deny"),
  expiresAt: fc.constantFrom(undefined, undefined, now, now + 1),
});

/** So many grants elsewhere that the list is looked up by prefix. */
const elsewhere: readonly Grant[] = Array.from({ length: 20 }, (_, index) => ({
  permissions: new Set(["p"]),
  resource: `elsewhere/${index}`,
  effect: index % 2 === 0 ? "allow" : "deny",
  expiresAt: undefined,
}));

describe("granted", () => {
  it("answers the same on a long list as on its part that concerns the resource", () => {
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 12 }), resource, (grants, asked) => {
        expect(granted([...elsewhere, ...grants], "p", asked, now)).toBe(granted(grants, "p", asked, now));
      }),
      { numRuns: 2_000 },
    );
  });

  it("lets a deny anywhere above win over an allow of the resource itself, on a long list", () => {
    const allow: Grant = { permissions: new Set(["p"]), resource: "a/b/c", effect: "allow", expiresAt: undefined };
    const deny: Grant = { permissions: new Set(["p"]), resource: "a", effect: "deny", expiresAt: undefined };
    expect(granted([...elsewhere, allow], "p", "a/b/c", now)).toBe(true);
    expect(granted([...elsewhere, allow, deny], "p", "a/b/c", now)).toBe(false);
    expect(granted([...elsewhere, allow], "p", "a/b/cd", now)).toBe(false);
  });
});
