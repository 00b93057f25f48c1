// House rules for source files; what each means is in manners.ts.
import { describe, expect, it } from "vitest";
import { mannerFaults } from "./manners.ts";
import { readSource, sourceFile } from "./source.ts";

function faultsOf(text: string, path = "src/auth/session/list.ts"): readonly string[] {
  return mannerFaults(sourceFile(path, `// What it is for.\n${text}\n`));
}

describe("house rules", () => {
  it("KEY-11 T-09 hold for every file of src", () => {
    expect(readSource("src").flatMap(mannerFaults)).toEqual([]);
  });

  it.each([
    ["the environment", "const a = process.env.HOME;"],
    ["the environment by another name", `const a = process["env"];`],
    ["the environment imported", `import { env } from "node:process";`],
    ["an exit", "process.exit(1);"],
    ["console", `console.log("x");`],
    ["standard output", `process.stdout.write("x");`],
    ["standard error by another name", `process["stderr"].write("x");`],
    ["a global console", `globalThis.console.error("x");`],
    ["the raw debug print", `process._rawDebug("x");`],
    ["a logger of its own", `import { pino } from "pino";`],
    ["a debug log", `import { debuglog } from "node:util";`],
    ["the whole of util", `import * as util from "node:util";`],
    ["inspection", `import { inspect } from "node:util";`],
    ["a console of its own", `import { Console } from "node:console";`],
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
    expect(faultsOf(`process.stdout.write("x");`, "src/main.ts")).toEqual([]);
    expect(faultsOf(`import { isDeepStrictEqual } from "node:util"; import { inspect } from "./inspect.ts";`)).toEqual(
      [],
    );
  });
});
