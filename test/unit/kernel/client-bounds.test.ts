// What a client may be handed: never an audience or a scope beyond what stands about it.
import { describe, expect, it } from "vitest";
import { audienceWithin, scopesLeft, scopesWithin } from "../../../src/kernel/client-bounds.ts";
import { aClient } from "../../fakes/clients.ts";

const bounded = { ...aClient, audiences: ["shop", "billing"], scopes: ["a", "b"] };
const free = { ...bounded, scopes: ["*"] };
const exceeds = expect.objectContaining({ reason: "SCOPE_EXCEEDS_GRANT" });

describe("the bounds of a client", () => {
  it("TOK-19 answer the first audience when none is asked for, and no other than its own", () => {
    expect(audienceWithin(bounded, "")).toBe("shop");
    expect(audienceWithin(bounded, "billing")).toBe("billing");
    for (const other of ["gatehouse", "Shop", "shop ", "0", "length"])
      expect(() => audienceWithin(bounded, other)).toThrow(expect.objectContaining({ reason: "AUDIENCE_UNKNOWN" }));
  });

  it("TOK-19 answer all scopes when none is asked for, and none that it lacks", () => {
    expect(scopesWithin(bounded, [])).toEqual(["a", "b"]);
    expect(scopesWithin(bounded, ["b"])).toEqual(["b"]);
    expect(scopesWithin(free, ["z"])).toEqual(["z"]);
    for (const wanted of [["a", "z"], ["*"]]) expect(() => scopesWithin(bounded, wanted)).toThrow(exceeds);
  });

  it("TOK-04 take back what a client lost since, and never leave nothing that would mean everything", () => {
    expect(scopesLeft(bounded, ["b", "c"])).toEqual(["b"]);
    expect(scopesLeft(bounded, ["*"])).toEqual(["a", "b"]);
    expect(scopesLeft(free, ["c"])).toEqual(["c"]);
    expect(() => scopesLeft(bounded, ["c"])).toThrow(exceeds);
  });
});
