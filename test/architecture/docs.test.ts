// Generated pages say what the code says.
import { existsSync, readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { generatedPages } from "../../tools/docs/pages.ts";
import { listFiles, root } from "../../tools/source/files.ts";

const pages = Object.entries(await generatedPages());

describe("generated pages", () => {
  it.each(pages)("%s is in step with the code (npm run generate)", (path, text) => {
    expect(readFileSync(`${root}/${path}`, "utf8")).toBe(text);
  });
});

describe("pages that source and pages point to", () => {
  it("are there", () => {
    const texts = ["src", "proto", "tools", "docs"].flatMap((directory) =>
      [".ts", ".proto", ".md"].flatMap((ending) => listFiles(directory, ending)),
    );
    const named = [...texts, "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md"].flatMap((path) =>
      [...readFileSync(`${root}/${path}`, "utf8").matchAll(/\bdocs\/[a-z0-9/-]+\.md\b/g)].map(([page]) => page),
    );
    expect(named.length).toBeGreaterThan(5);
    expect([...new Set(named)].filter((page) => !existsSync(`${root}/${page}`))).toEqual([]);
  });
});
