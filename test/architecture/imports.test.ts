// Import directions and cycles; the table is imports.ts.
import { describe, expect, it } from "vitest";
import { importCycles, importFaults } from "./imports.ts";
import { readSource, sourceFile } from "./source.ts";

const files = readSource("src");

function faultsOf(path: string, text: string): readonly string[] {
  return importFaults(sourceFile(path, text));
}

describe("import directions", () => {
  it("hold for every file of src", () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap(importFaults)).toEqual([]);
  });

  it("know no cycle at run time", () => {
    expect(importCycles(files)).toEqual([]);
  });
});

describe("the rule on directions finds", () => {
  it.each([
    [
      "a slice that looks into another",
      "src/auth/session/list.ts",
      `import { a } from "../../token/token/refresh.ts";`,
    ],
    ["a slice that looks into another for types only", "src/auth/x.ts", `import type { A } from "../token/ports.ts";`],
    ["a slice that looks into the pool", "src/token/token/store.ts", `import { p } from "../../postgres/pool.ts";`],
    ["a slice that looks into a key home", "src/secrets/slice.ts", `import { k } from "../keys/local/home.ts";`],
    ["a slice that knows the wire", "src/secrets/slice.ts", `import { k } from "../rpc/chain.ts";`],
    ["a domain that looks into its own slice", "src/auth/domain/rule.ts", `import { k } from "../ports.ts";`],
    ["a domain that does I/O", "src/auth/domain/rule.ts", `import { k } from "node:fs";`],
    ["a kernel that looks anywhere", "src/kernel/errors.ts", `import { k } from "../config/schema.ts";`],
    ["pg in a slice", "src/auth/session/store.ts", `import pg from "pg";`],
    ["gRPC in a slice", "src/auth/session/list.ts", `import { status } from "@grpc/grpc-js";`],
    ["a dynamic import across", "src/rpc/chain.ts", `const a = await import("../auth/slice.ts");`],
    ["an import type across", "src/rpc/chain.ts", `type A = import("../auth/slice.ts").A;`],
    ["a re-export across", "src/rpc/chain.ts", `export { a } from "../auth/slice.ts";`],
    ["a computed import", "src/rpc/chain.ts", `await import(name);`],
    ["a file in no room", "src/utils/strings.ts", ``],
    ["tests in the product", "src/rpc/chain.ts", `import { a } from "../../test/fakes/a.ts";`],
  ])("%s", (_title, path, text) => {
    expect(faultsOf(path, text)).toHaveLength(1);
  });

  it("nothing in what the house allows", () => {
    expect(
      faultsOf(
        "src/auth/session/list.ts",
        `import { a } from "../../kernel/clock.ts"; import b from "../../keys/ports.ts";`,
      ),
    ).toEqual([]);
    expect(
      faultsOf("src/auth/session/list.ts", `import { a } from "../domain/rule.ts"; import { c } from "./store.ts";`),
    ).toEqual([]);
    expect(
      faultsOf("src/server.ts", `import { a } from "./auth/slice.ts"; import { b } from "./rpc/grpc.ts";`),
    ).toEqual([]);
  });

  it("a cycle, however long, but not one of types", () => {
    const cycle = [
      sourceFile("src/kernel/a.ts", `import { b } from "./b.ts";`),
      sourceFile("src/kernel/b.ts", `import { c } from "./c.ts";`),
      sourceFile("src/kernel/c.ts", `import { a } from "./a.ts";`),
    ];
    expect(importCycles(cycle)).toEqual(["src/kernel/a.ts -> src/kernel/b.ts -> src/kernel/c.ts -> src/kernel/a.ts"]);
    const types = [
      sourceFile("src/kernel/a.ts", `import type { b } from "./b.ts";`),
      sourceFile("src/kernel/b.ts", `import { a } from "./a.ts";`),
    ];
    expect(importCycles(types)).toEqual([]);
  });
});
