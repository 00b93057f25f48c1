// A comparison that stops at the first difference tells how much was right; in the keys there is one way to compare.
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";

const folder = "src/keys";
const early = /\.equals\(|\.compare\(|Buffer\.compare|toString\([^)]*\)\s*[!=]==(?!\s*token)/;

function sources(): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).filter((name) => name.endsWith(".ts"));
}

describe("comparison of keys, commitments and MACs", () => {
  it("KEY-12 is timingSafeEqual and nothing else", () => {
    const files = sources();
    expect(files.length).toBeGreaterThan(20);
    expect(files.filter((name) => early.test(readFileSync(join(folder, name), "utf8")))).toEqual([]);
    const constant = files.filter((name) => /timingSafeEqual\(/.test(readFileSync(join(folder, name), "utf8")));
    expect(constant.sort()).toEqual(["committing-aead.ts", "macs.ts"]);
  });

  it("KEY-12 is looked for by a pattern that finds the others", () => {
    for (const text of ["mac.equals(b)", "Buffer.compare(a, b)", 'a.toString("hex") === b'])
      expect(text).toMatch(early);
  });
});
