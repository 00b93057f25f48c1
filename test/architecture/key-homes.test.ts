// The suite on both key homes: whatever stands on keys takes them where test/fixtures/key-home.ts says, and runs in the project
// `vault` as well; what is not run there a second time is told here, with the reason.
import { existsSync } from "node:fs";
import { matchesGlob } from "node:path";
import { describe, expect, it } from "vitest";
import { root } from "../../tools/source/files.ts";
import config from "../../vitest.config.ts";
import { readSource, resolveImport, type SourceFile } from "./source.ts";

interface ProjectInVitest {
  readonly test: { readonly name: string; readonly include: readonly string[]; readonly exclude?: readonly string[] };
}

const switchboard = "test/fixtures/key-home.ts";
const folders = ["contract", "integration", "conformance", "abuse", "fixtures", "fakes"].map((name) => `test/${name}`);
const files = new Map(folders.flatMap(readSource).map((file) => [file.path, file]));

/** They name their home themselves, so a second run would be the first one over again. */
const aboutOneHome = [
  "test/abuse/abuse.test.ts",
  "test/integration/keys/moving.test.ts",
  "test/integration/keys/rotate-wrapping.test.ts",
  "test/integration/keys/vault-races.test.ts",
  "test/integration/keys/vault-under-load.test.ts",
  "test/integration/vault/served.test.ts",
];

/** They start a server and are about what is around it: no key decides anything in them. */
const aboutSomethingElse = [
  "test/conformance/external/testssl.test.ts",
  "test/integration/browser/browser.test.ts",
  "test/integration/postgres/tls.test.ts",
  "test/integration/proxy/nginx.test.ts",
];

/** Where the code of a home itself may be imported: tests about homes, and fixtures made of them. */
const insideHomes = [
  "test/contract/keys/local.test.ts",
  "test/contract/keys/vault.test.ts",
  "test/fixtures/signing-homes.ts",
  "test/integration/keys/former-keys.test.ts",
  "test/integration/keys/vault-home.test.ts",
  "test/integration/keys/vault-races.test.ts",
];

/** Where keys are opened in homes that the test names itself. */
const openedByName = ["test/integration/keys/move-steps.test.ts", "test/integration/keys/vault-keys.test.ts"];

function importedBy({ path, imports }: SourceFile): readonly string[] {
  return imports.flatMap(({ specifier }) => resolveImport(path, specifier) ?? []);
}

function reaches(path: string, target: string, seen = new Set<string>()): boolean {
  const file = files.get(path);
  if (path === target || file === undefined || seen.has(path)) return path === target;
  seen.add(path);
  return importedBy(file).some((next) => reaches(next, target, seen));
}

function filesOf(project: string): readonly string[] {
  const projects = (config.test?.projects ?? []) as readonly ProjectInVitest[];
  const { include = [], exclude = [] } = projects.find(({ test }) => test.name === project)?.test ?? {};
  const isIn = (globs: readonly string[], path: string) => globs.some((glob) => matchesGlob(path, glob));
  return [...files.keys()].filter((path) => isIn(include, path) && !isIn(exclude, path)).sort();
}

describe("tests that stand on keys", () => {
  it("are found, and are what the project `vault` runs", () => {
    const apart = new Set([...aboutOneHome, ...aboutSomethingElse]);
    const standing = filesOf("whole").filter((path) => reaches(path, switchboard));
    expect(standing.length).toBeGreaterThan(40);
    expect(standing.filter((path) => apart.has(path))).toEqual([...apart].sort());
    expect(filesOf("vault")).toEqual(standing.filter((path) => !apart.has(path)));
  });

  it("open no home but through the fixture, unless they are about that home", () => {
    const homes = /^src\/keys\/(local|vault)\//;
    const inside = [...files.values()].filter(
      (file) => file.path !== switchboard && importedBy(file).some((path) => homes.test(path)),
    );
    const value = inside.filter(({ imports }) =>
      imports.some(({ specifier, typeOnly }) => !typeOnly && /\/keys\/(local|vault)\//.test(specifier)),
    );
    expect(value.map(({ path }) => path).sort()).toEqual(insideHomes);
  });

  it("give openKeys what the fixture gave them", () => {
    const opening = [...files.values()].filter(
      (file) => file.path !== switchboard && importedBy(file).includes("src/keys/open.ts"),
    );
    const around = opening.filter((file) => /\bopenKeys\(/.test(file.text) && !importedBy(file).includes(switchboard));
    expect(around.map(({ path }) => path).sort()).toEqual(openedByName);
  });

  it("name files that exist", () => {
    const named = [...aboutOneHome, ...aboutSomethingElse, ...insideHomes, ...openedByName];
    expect(named.filter((path) => !existsSync(`${root}/${path}`))).toEqual([]);
  });
});
