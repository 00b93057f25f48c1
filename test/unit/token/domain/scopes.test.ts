// Scopes only narrow.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { narrowScopes, sessionScopes } from "../../../../src/token/domain/scopes.ts";

const scope = fc.constantFrom("secrets.read", "secrets.write", "audit.read", "*");

function reasonOf(run: () => unknown): string | undefined {
  try {
    run();
    return undefined;
  } catch (error) {
    return (error as { reason: string }).reason;
  }
}

describe("scopes", () => {
  it("TOK-04 never come out wider than they went in", () => {
    fc.assert(
      fc.property(fc.array(scope), fc.array(scope), (given, wanted) => {
        const session = sessionScopes(given);
        if (reasonOf(() => narrowScopes(session, wanted)) !== undefined) return;
        const narrowed = narrowScopes(session, wanted);
        expect(session.includes("*") || narrowed.every((one) => session.includes(one))).toBe(true);
        expect(narrowed.length).toBeGreaterThan(0);
      }),
    );
  });

  it("TOK-04 refuses a scope that the session lacks, the one that stands for all included", () => {
    expect(reasonOf(() => narrowScopes(["secrets.read"], ["secrets.read", "audit.read"]))).toBe("SCOPE_EXCEEDS_GRANT");
    expect(reasonOf(() => narrowScopes(["secrets.read"], ["*"]))).toBe("SCOPE_EXCEEDS_GRANT");
  });

  it("empty means those of the session, which are all unless it was narrowed", () => {
    expect(sessionScopes([])).toEqual(["*"]);
    expect(narrowScopes(["a", "b"], [])).toEqual(["a", "b"]);
    expect(narrowScopes(["*"], ["b", "b"])).toEqual(["b"]);
  });

  it.each(["a b", "", "a\n", 'a"', "a\\", "ä", "a\u202e"])("CLM-08 a scope is one word: %j", (bad) => {
    expect(reasonOf(() => sessionScopes([bad]))).toBe("REQUEST_INVALID");
    expect(reasonOf(() => narrowScopes(["*"], [bad]))).toBe("REQUEST_INVALID");
  });
});
