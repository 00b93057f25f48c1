// Files that settings point to.
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { readSettingFile } from "../../../src/config/setting-file.ts";

const directory = mkdtempSync(join(tmpdir(), "gatehouse-setting-"));
afterAll(() => rmSync(directory, { recursive: true }));

function fileWith(content: string): string {
  const path = join(directory, "value");
  writeFileSync(path, content);
  return path;
}

describe("a setting's file", () => {
  it.each([
    ["key", "key"],
    ["key\n", "key"],
    ["key\r\n", "key"],
    ["key\n\n", "key\n"],
    [" key ", " key "],
    ["", ""],
  ])("%j is the value %j", (content, value) => {
    expect(readSettingFile(fileWith(content))).toBe(value);
  });

  it("is refused when it is missing, a directory, or has no end", () => {
    expect(() => readSettingFile(join(directory, "none"))).toThrow();
    expect(() => readSettingFile(directory)).toThrow();
    expect(() => readSettingFile("/dev/zero")).toThrow("too large");
    expect(readSettingFile(fileWith("a".repeat(65_536)))).toHaveLength(65_536);
    expect(() => readSettingFile(fileWith("a".repeat(65_537)))).toThrow("too large");
  });
});
