// What ties a sealed value to its place: every part counts, in every binding, and no two bindings can be mistaken.
import { describe, expect, it } from "vitest";
import type { Binding } from "../../../src/kernel/sealing.ts";
import * as bindings from "../../../src/keys/bindings.ts";

const place: Binding = { kind: "k", id: "i", version: 1 };
const places: Binding[] = [
  place,
  { ...place, kind: "j" },
  { ...place, id: "h" },
  { ...place, version: 2 },
  { kind: "k", id: "i" },
  { kind: "ki", id: "" },
];

function everyBinding(): Buffer[] {
  return ["one", "two"].flatMap((installation) => [
    bindings.subjectKeyContext(installation, "s"),
    bindings.subjectKeyContext(installation, "t"),
    bindings.purposeKeyContext(installation, "pepper", 1),
    bindings.purposeKeyContext(installation, "pepper", 2),
    bindings.purposeKeyContext(installation, "page-token", 1),
    ...places.flatMap((at) => [
      bindings.valueData(installation, at),
      bindings.valueKeyContext(installation, at),
      bindings.subjectData(installation, "s", at),
      bindings.subjectData(installation, "t", at),
      bindings.purposeData(installation, "pepper", 1, at),
      bindings.purposeData(installation, "pepper", 2, at),
      bindings.purposeData(installation, "page-token", 1, at),
    ]),
  ]);
}

describe("bindings", () => {
  it("KEY-04 differ whenever installation, use, subject, purpose, key version, kind, id or version differ", () => {
    const all = everyBinding();
    expect(all).toHaveLength(94);
    expect(new Set(all.map((binding) => binding.toString("hex"))).size).toBe(all.length);
  });

  it("never change: what was sealed under them must open for years", () => {
    expect(bindings.valueData("one", place).toString("latin1")).toBe(
      "s\0\0\0\x12gatehouse/value/v1s\0\0\0\x03ones\0\0\0\x01ks\0\0\0\x01ii\0\0\0\x08\0\0\0\0\0\0\0\x01",
    );
  });
});
