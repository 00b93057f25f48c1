// The one rule of access: what each part of it refuses, in which order, and that no part ever gives what another refuses.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type AccessConditions, accessRefusal, type Demand } from "../../../src/kernel/access-rule.ts";
import { everywhere, nowhere } from "../../../src/kernel/networks.ts";
import type { Grant } from "../../../src/kernel/principal.ts";
import { allow, deny, principalOf } from "../../fakes/principal.ts";

const now = Date.UTC(2026, 10, 21);
const hour = 3_600_000;
const demand: Demand = { permission: "a.b", grant: "whole", stepUp: true, secondFactor: false, adminNetwork: true };
const open: AccessConditions = { stepUpAgeMs: hour, secondFactor: false, adminNetworks: () => everywhere };

interface Asked {
  readonly grants?: readonly Grant[];
  readonly scopes?: readonly string[];
  readonly age?: number;
  readonly conditions?: AccessConditions;
  readonly demand?: Demand;
}

function ask({ grants = [allow("a.b", "x")], scopes = ["*"], age = 0, conditions = open, demand: of = demand }: Asked) {
  const asker = { ...principalOf({ grants, scopes }), authenticatedAt: new Date(now - age) };
  return accessRefusal(of, asker, "x/y", "192.0.2.1", now, conditions);
}

const shut: AccessConditions = { stepUpAgeMs: hour, secondFactor: false, adminNetworks: () => nowhere };

describe("the rule of access", () => {
  it("P-02 tells who lacks the grant of nothing else", () => {
    expect(ask({ grants: [], scopes: [], age: 2 * hour, conditions: shut })).toBe("PERMISSION_DENIED");
    expect(ask({ grants: [allow("a.b", ""), deny("a.b", "x")] })).toBe("PERMISSION_DENIED");
  });

  it("P-15 sends nobody to log in again for what would be refused all the same", () => {
    expect(ask({ scopes: ["c.d"], age: 2 * hour, conditions: shut })).toBe("SCOPE_MISSING");
    expect(ask({ age: 2 * hour, conditions: shut })).toBe("NETWORK_NOT_ALLOWED");
    expect(ask({ age: 2 * hour })).toBe("STEP_UP_REQUIRED");
    expect(ask({})).toBeUndefined();
  });

  it("P-15 counts the age of a login to the millisecond, and believes no login that is to come", () => {
    expect(ask({ age: hour })).toBeUndefined();
    expect(ask({ age: hour + 1 })).toBe("STEP_UP_REQUIRED");
    expect(ask({ age: -60_000 })).toBeUndefined();
    expect(ask({ age: -60_001 })).toBe("STEP_UP_REQUIRED");
    expect(ask({ age: 1_000 * hour, conditions: { ...open, stepUpAgeMs: undefined } })).toBeUndefined();
    expect(ask({ age: Number.NaN })).toBe("STEP_UP_REQUIRED");
  });

  it("P-15 asks only what the method asks", () => {
    const plain: Demand = { ...demand, stepUp: false, secondFactor: false, adminNetwork: false };
    expect(ask({ demand: plain, age: 2 * hour, conditions: shut })).toBeUndefined();
  });

  it("P-02 is never made wider by narrowing", () => {
    const grants = fc.array(
      fc.record({
        permission: fc.constantFrom("a.b", "*", "c.d"),
        at: fc.constantFrom("", "x", "x/y", "z"),
        no: fc.boolean(),
      }),
    );
    const flags = fc.record({
      stepUp: fc.boolean(),
      adminNetwork: fc.boolean(),
      age: fc.nat(3 * hour),
      shut: fc.boolean(),
    });
    fc.assert(
      fc.property(
        grants,
        flags,
        fc.subarray(["a.b", "c.d", "*"]),
        (given, { stepUp, adminNetwork, age, shut: far }, scopes) => {
          const held = given.map(({ permission, at, no }) => (no ? deny(permission, at) : allow(permission, at)));
          const bare = ask({
            grants: held,
            demand: { ...demand, stepUp: false, secondFactor: false, adminNetwork: false },
          });
          const narrowed = ask({
            grants: held,
            scopes,
            age,
            demand: { ...demand, stepUp, adminNetwork },
            conditions: far ? shut : open,
          });
          if (bare !== undefined) expect(narrowed).toBe(bare);
        },
      ),
    );
  });
});
