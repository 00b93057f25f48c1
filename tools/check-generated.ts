// Generates everything anew and fails when a committed file was not what its source gives.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { generatedPages } from "./docs/pages.ts";
import { listFiles, root } from "./source/files.ts";

const pages = Object.keys(await generatedPages());

function fingerprint(): ReadonlyMap<string, string> {
  const paths = [...listFiles("gen/ts", ""), "gen/descriptors.binpb", ...pages].filter((path) =>
    existsSync(join(root, path)),
  );
  return new Map(
    paths.map((path) => [
      path,
      createHash("sha256")
        .update(readFileSync(join(root, path)))
        .digest("hex"),
    ]),
  );
}

const before = fingerprint();
execFileSync("npm", ["run", "--silent", "generate"], { cwd: root, stdio: ["ignore", "inherit", "inherit"] });
const after = fingerprint();
const stale = [...new Set([...before.keys(), ...after.keys()])].filter((path) => before.get(path) !== after.get(path));
if (stale.length > 0) {
  console.error(
    `generated files were not in step with their source (now they are):\n${stale.map((path) => `  ${path}`).join("\n")}`,
  );
  process.exitCode = 1;
}
