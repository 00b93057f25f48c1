// House rules for source files; what each means is in manners.ts.
import { describe, expect, it } from "vitest";
import { mannerFaults } from "./manners.ts";
import { readSource, sourceFile } from "./source.ts";

function faultsOf(text: string, path = "src/auth/session/list.ts"): readonly string[] {
  return mannerFaults(sourceFile(path, `// What it is for.\n${text}\n`));
}

describe("house rules", () => {
  it("KEY-11 hold for every file of src", () => {
    expect(readSource("src").flatMap(mannerFaults)).toEqual([]);
  });

  it.each([
    ["the environment", "const a = process.env.HOME;"],
    ["the environment by another name", `const a = process["env"];`],
    ["the environment imported", `import { env } from "node:process";`],
    ["an exit", "process.exit(1);"],
    ["console", `console.log("x");`],
    ["the wall clock", "const a = new Date();"],
    ["the wall clock as a number", "const a = Date.now();"],
    ["predictable randomness", "const a = Math.random();"],
    ["a class", "class Store {}"],
    ["a file too long", "\n".repeat(300)],
  ])("find %s", (_title, text) => {
    expect(faultsOf(text)).toHaveLength(1);
  });

  it.each(["src/auth/utils/a.ts", "src/auth/index.ts", "src/auth/listSessions.ts"])("find the name %s", (path) => {
    expect(faultsOf("", path)).toHaveLength(1);
  });

  it("find a file that does not say what it is for", () => {
    expect(mannerFaults(sourceFile("src/auth/a.ts", "const a = 1;\n"))).toHaveLength(1);
  });

  it("leave a given time, errors and Secret alone", () => {
    expect(faultsOf("const a = new Date(0); class Refused extends Error {} class Secret {}")).toEqual([]);
    expect(faultsOf("const a = process.env.HOME; process.exit(1);", "src/main.ts")).toEqual([]);
  });
});
