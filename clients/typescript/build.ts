// Builds what is published: the client as JavaScript with declarations, and the generated contracts beside it, so that
// the package works without any other of this repository.
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, globSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";

const here = import.meta.dirname;
const dist = join(here, "dist");

function pathTo(target: string, from: string): string {
  const path = relative(dirname(from), target);
  return path.startsWith(".") ? path : `./${path}`;
}

/** Points imports of the contracts at the copy, and relative imports in declarations at what tsc has written. */
function rewriteImports(file: string): void {
  const text = readFileSync(file, "utf8")
    .replaceAll(/"@gatehouse\/proto\/([^"]+)"/g, (_, path: string) => `"${pathTo(join(dist, "proto", path), file)}"`)
    .replaceAll(/"(\.\.?\/[^"]+)\.ts"/g, '"$1.js"');
  writeFileSync(file, text);
}

rmSync(dist, { recursive: true, force: true });
execFileSync("tsc", ["-p", join(here, "tsconfig.build.json")], {
  stdio: "inherit",
  shell: process.platform === "win32",
});
for (const file of globSync(`${dist}/**/*.{js,d.ts}`)) rewriteImports(file);
cpSync(join(here, "../../gen/ts"), join(dist, "proto"), { recursive: true });
const license = join(here, "../../LICENSE");
if (existsSync(license)) cpSync(license, join(dist, "LICENSE"));
