// Titles of tests: ids that exist, nothing skipped, and the tool that counts them.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { listFiles, root } from "../../tools/source/files.ts";
import { idsOf, rulesOf, shownIds, titlesOf } from "../../tools/standards/ids.ts";

const read = (path: string) => readFileSync(`${root}/${path}`, "utf8");
const tests = [...listFiles("test", ".test.ts"), ...listFiles("clients/typescript", ".test.ts")];
const titles = tests.flatMap((path) => titlesOf(path, read(path)));

describe("titles of tests", () => {
  it("name only rules that exist", () => {
    const known = new Set(
      ["docs/standards.md", "docs/requirements.md"].flatMap((path) => rulesOf(read(path))).map((rule) => rule.id),
    );
    expect(known.size).toBeGreaterThan(180);
    expect([...shownIds(titles)].filter((id) => !known.has(id))).toEqual([]);
  });

  it("belong to tests that run", () => {
    const idle = titles.filter(({ call }) => /\.(skip|only|todo|skipIf|runIf|fails)\b/.test(call));
    expect(idle.map(({ file, call, text }) => `${file}: ${call} ${text}`)).toEqual([]);
  });
});

describe("the count of rules", () => {
  it("takes ids from the start of a title, in every form of a call", () => {
    const text =
      'it("JWT-01 CLM-02 does", f); it.each([1])("TOK-03 %s", f); test.each`a`("KEY-04 x", f); describe("AZ-05 y", f); it(`PWD-06 ${1}`, f); other("MFA-07 z")';
    expect([...shownIds(titlesOf("a.test.ts", text))]).toEqual([
      "JWT-01",
      "CLM-02",
      "TOK-03",
      "KEY-04",
      "AZ-05",
      "PWD-06",
    ]);
    expect(idsOf("shows JWT-01")).toEqual([]);
  });

  it("reads rows under their heading and refuses an id given twice", () => {
    expect(rulesOf("## A\n| id | rule |\n| --- | --- |\n| JWT-01 | one |\n## B\n| P-01 | two |")).toEqual([
      { id: "JWT-01", section: "A", summary: "one" },
      { id: "P-01", section: "B", summary: "two" },
    ]);
    expect(() => rulesOf("| P-01 | a |\n| P-01 | b |")).toThrow("P-01 stands twice");
  });

  it("sees a test that does not run", () => {
    expect(titlesOf("a.test.ts", 'it.skip("x", f); describe.only("y", f);').map(({ call }) => call)).toEqual([
      "it.skip",
      "describe.only",
    ]);
  });
});
