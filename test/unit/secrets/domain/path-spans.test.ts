import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { granted, visibility } from "../../../../src/kernel/principal.ts";
import { resourceOf, type VisibleSpans, visibleSpans } from "../../../../src/secrets/domain/path-spans.ts";
import { allow, deny } from "../../../fakes/principal.ts";

// Every character that a path may hold, so that the neighbours of the slash in byte order are among them.
const letters = "-./09AZ_az";
const path = fc
  .array(fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,3}$/), { minLength: 1, maxLength: 3 })
  .map((segments) => segments.join("/"));

const within = (text: string, spans: VisibleSpans["shown"]) =>
  spans.filter(({ low, high }) => text >= low && text < high).length;

describe("spans of paths", () => {
  it("AZ-02 hold exactly what is at or below the prefixes, each path in one span at most", () => {
    const prefix = path.map((text) => `secrets/${text}`);
    fc.assert(
      fc.property(path, fc.array(fc.oneof(prefix, fc.constant("secrets")), { maxLength: 5 }), (text, prefixes) => {
        const spans = visibleSpans({ allow: prefixes, deny: [] }).shown;
        const covered = prefixes.some(
          (one) => one === "secrets" || `secrets/${text}` === one || `secrets/${text}`.startsWith(`${one}/`),
        );
        expect(within(text, spans)).toBe(covered ? 1 : 0);
      }),
      { numRuns: 2_000 },
    );
  });

  it("AZ-02 agree with the one rule of access, for any grants, parent and path", () => {
    const grant = fc.record({
      prefix: fc.oneof(
        fc.constant(""),
        fc.constant("secrets"),
        fc.constant("audit"),
        path.map((text) => `secrets/${text}`),
      ),
      denied: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 5 }), fc.oneof(fc.constant(""), path), path, (given, parent, below) => {
        const grants = given.map(({ prefix, denied }) => (denied ? deny : allow)("secrets.list", prefix));
        const text = parent === "" ? below : `${parent}/${below}`;
        const { shown, hidden } = visibleSpans(visibility(grants, "secrets.list", resourceOf(parent), 0));
        const visible = within(text, shown) > 0 && within(text, hidden) === 0;
        expect(visible).toBe(granted(grants, "secrets.list", resourceOf(text), 0));
      }),
      { numRuns: 2_000 },
    );
  });

  it("do not take a sibling that begins alike, whatever character follows", () => {
    const { shown } = visibleSpans({ allow: ["secrets/a"], deny: [] });
    for (const letter of letters)
      expect([letter, within(`a${letter}x`, shown)]).toEqual([letter, letter === "/" ? 1 : 0]);
  });
});
