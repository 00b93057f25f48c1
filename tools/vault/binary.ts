// Finds the real Vault that development and tests run: `vault` or OpenBao's `bao` on PATH, the one in our cache, or else
// built into that cache from the module beside this file (minutes, once for each version and machine).
import { execFileSync } from "node:child_process";
import { copyFileSync, existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync } from "node:fs";
import { homedir } from "node:os";
import { delimiter, dirname, join } from "node:path";

const buildMs = 1_800_000;
const advice = "Vault is needed: put `vault` or `bao` on PATH, or install Go so that it can be built";

type Say = (line: string) => void;
const quiet: Say = () => {};

/** The one place that pins it is go.mod. */
function version(): string {
  const text = readFileSync(join(import.meta.dirname, "go.mod"), "utf8");
  const found = /^\s*github\.com\/hashicorp\/vault (v\S+)/m.exec(text)?.[1];
  if (found === undefined) throw new Error("tools/vault/go.mod names no version of Vault");
  return found;
}

function cacheDirectory(): string {
  const base = process.env.XDG_CACHE_HOME ?? join(homedir(), ".cache");
  return join(base, "gatehouse", "tools", `vault@${version()}`);
}

/** Beside its place and then renamed, so that two builds at once do no harm. `minimal` leaves the plugins of clouds out. */
function build(module: string, target: string): void {
  mkdirSync(dirname(target), { recursive: true });
  const work = mkdtempSync(join(cacheDirectory(), "build-"));
  try {
    for (const file of ["go.mod", "go.sum"]) copyFileSync(join(import.meta.dirname, file), join(work, file));
    const words = ["build", "-mod=readonly", "-tags", "minimal", "-ldflags", "-s -w", "-o", "built", module];
    execFileSync("go", words, { cwd: work, stdio: ["ignore", "inherit", "inherit"], timeout: buildMs });
    renameSync(join(work, "built"), target);
  } catch (cause) {
    throw new Error(advice, { cause });
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

/** The path of the program. Throws with how to get it. */
export function findVault(say = quiet): string {
  const cached = join(cacheDirectory(), "vault");
  const places = (process.env.PATH ?? "").split(delimiter).filter((place) => place !== "");
  const onPath = places.flatMap((place) => [join(place, "vault"), join(place, "bao")]);
  const found = [...onPath, cached].find((path) => existsSync(path));
  if (found !== undefined) return found;
  say(`building Vault ${version()}: this takes some minutes, once`);
  build("github.com/hashicorp/vault", cached);
  return cached;
}

/** A directory of plugins with the kubernetes login, which the build above leaves out. Its file name is its name. */
export function findVaultPlugins(say = quiet): string {
  const directory = join(cacheDirectory(), "plugins");
  const target = join(directory, "kubernetes");
  if (existsSync(target)) return directory;
  say("building Vault's kubernetes login");
  build("github.com/hashicorp/vault-plugin-auth-kubernetes/cmd/vault-plugin-auth-kubernetes", target);
  return directory;
}
