// What whoever holds a credential could do with it.
import { describe, expect, it } from "vitest";
import { reachOf } from "../../../../src/auth/domain/acting-as.ts";
import { allow, deny } from "../../../fakes/principal.ts";

const now = 1_000;
const reach = (grants: Parameters<typeof reachOf>[0], scopes: readonly string[]) =>
  reachOf(grants, scopes, now).map(({ permissions, resource }) => [[...permissions].toSorted(), resource]);

describe("the reach of a credential", () => {
  const grants = [
    { ...allow("", "secrets/a"), permissions: new Set(["secrets.read", "secrets.write"]) },
    allow("*", "secrets/b"),
  ];

  it("AZ-05 is what the account was given, where nothing narrows it", () => {
    expect(reach(grants, ["*"])).toEqual([
      [["secrets.read", "secrets.write"], "secrets/a"],
      [["*"], "secrets/b"],
    ]);
  });

  it("AZ-05 is narrowed by scopes, also where everything was given", () => {
    expect(reach(grants, ["secrets.read", "audit.read"])).toEqual([
      [["secrets.read"], "secrets/a"],
      [["audit.read", "secrets.read"], "secrets/b"],
    ]);
    expect(reach([allow("secrets.read", "")], ["audit.read"])).toEqual([]);
  });

  it("AZ-05 leaves out what has ended, and counts a prohibition as nothing given and nothing taken", () => {
    expect(reach([allow("a.b", "", now), allow("a.b", "x", now + 1)], ["*"])).toEqual([[["a.b"], "x"]]);
    expect(reach([allow("a.b", "x"), deny("a.b", "x")], ["*"])).toEqual([[["a.b"], "x"]]);
  });
});
