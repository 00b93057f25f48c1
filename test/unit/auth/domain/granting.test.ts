// Nobody grants what they lack, also not by way of a part that is denied to them.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { holdsThroughout } from "../../../../src/auth/domain/granting.ts";
import { type Grant, granted } from "../../../../src/kernel/principal.ts";

const now = 1_000;
const give = (
  permissions: readonly string[],
  resource: string,
  effect: Grant["effect"],
  expiresAt?: number,
): Grant => ({
  permissions: new Set(permissions),
  resource,
  effect,
  expiresAt,
});
const admin = give(["*"], "", "allow");

describe("holdsThroughout", () => {
  const holds = (grants: readonly Grant[], permissions: readonly string[], resource: string) =>
    holdsThroughout(grants, new Set(permissions), resource, now);

  it("AZ-05 an administrator holds everything, others what they were given", () => {
    expect(holds([admin], ["*"], "")).toBe(true);
    expect(holds([give(["*"], "secrets/a", "allow")], ["*"], "secrets/a/b")).toBe(true);
    expect(holds([give(["*"], "secrets/a", "allow")], ["*"], "secrets")).toBe(false);
    expect(holds([give(["secrets.read"], "", "allow")], ["secrets.read", "secrets.write"], "")).toBe(false);
    expect(holds([give(["secrets.read"], "", "allow")], ["*"], "")).toBe(false);
    expect(holds([], ["secrets.read"], "")).toBe(false);
  });

  it("AZ-05 a deny below, at or above the resource is a lack", () => {
    for (const place of ["", "secrets", "secrets/a", "secrets/a/b"]) {
      expect(holds([admin, give(["secrets.read"], place, "deny")], ["secrets.read"], "secrets/a")).toBe(false);
    }
    expect(holds([admin, give(["secrets.read"], "secrets/b", "deny")], ["secrets.read"], "secrets/a")).toBe(true);
    expect(holds([admin, give(["audit.read"], "", "deny")], ["secrets.read"], "secrets/a")).toBe(true);
  });

  it("AZ-05 a deny of anything is a lack for who would give everything", () => {
    expect(holds([admin, give(["audit.read"], "audit", "deny")], ["*"], "")).toBe(false);
  });

  it("AZ-05 grants that ended give nothing and deny nothing", () => {
    expect(holds([give(["*"], "", "allow", now)], ["*"], "")).toBe(false);
    expect(holds([admin, give(["*"], "", "deny", now)], ["*"], "")).toBe(true);
  });

  it("AZ-06 prefixes are of whole segments", () => {
    expect(holds([give(["*"], "secrets", "allow")], ["*"], "secrets-admin")).toBe(false);
    expect(holds([admin, give(["*"], "secrets/a", "deny")], ["*"], "secrets/ab")).toBe(true);
  });

  it("AZ-05 whoever holds throughout is granted each permission everywhere below", () => {
    const resource = fc.array(fc.constantFrom("a", "b", "ab"), { maxLength: 3 }).map((parts) => parts.join("/"));
    const permission = fc.constantFrom("r", "w", "*");
    const grant = fc.record({
      permissions: fc.array(permission, { minLength: 1, maxLength: 2 }).map((names) => new Set(names)),
      resource,
      effect: fc.constantFrom<Grant["effect"]>("allow", "deny"),
      expiresAt: fc.constantFrom(undefined, 500, 2_000),
    });
    const wanted = fc.array(permission, { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(grant, { maxLength: 5 }), wanted, resource, resource, (grants, permissions, at, below) => {
        const place = [at, below].filter((part) => part !== "").join("/");
        const asked = permissions.includes("*") ? ["r", "w", "*"] : permissions;
        if (!holdsThroughout(grants, new Set(permissions), at, now)) return true;
        return asked.every((one) => granted(grants, one, place, now));
      }),
      { numRuns: 5_000 },
    );
  });
});
