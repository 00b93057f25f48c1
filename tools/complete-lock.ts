// Completes package-lock.json after `npm install`: names the builds for other platforms that the registry did not show
// at that moment. npm leaves such builds out of the lock file and then refuses `npm ci` because they are missing.
// Their integrity stays unknown until `npm install` sees them, so only builds that this platform never loads are added.
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { root } from "./source/files.ts";

interface LockedPackage {
  readonly version?: string;
  readonly dev?: boolean;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
}

interface Lock {
  packages: Record<string, LockedPackage & Record<string, unknown>>;
}

const systems: Readonly<Record<string, string>> = {
  android: "android",
  darwin: "darwin",
  freebsd: "freebsd",
  linux: "linux",
  netbsd: "netbsd",
  openbsd: "openbsd",
  openharmony: "openharmony",
  sunos: "sunos",
  aix: "aix",
  win32: "win32",
  windows: "win32",
};
const processors: Readonly<Record<string, string>> = {
  arm: "arm",
  armv7: "arm",
  arm64: "arm64",
  aarch64: "arm64",
  ia32: "ia32",
  loong64: "loong64",
  mips64el: "mips64el",
  ppc64: "ppc64",
  riscv64: "riscv64",
  s390x: "s390x",
  x64: "x64",
  wasm32: "wasm32",
};
const libraries: Readonly<Record<string, string>> = {
  gnu: "glibc",
  gnueabihf: "glibc",
  musl: "musl",
  musleabihf: "musl",
};

function named(words: readonly string[], table: Readonly<Record<string, string>>): readonly string[] {
  return words.flatMap((word) => (Object.hasOwn(table, word) ? [table[word] ?? ""] : []));
}

/** Which machines a build is for, by the words in its name. */
function platformOf(name: string): {
  readonly os: readonly string[];
  readonly cpu: readonly string[];
  readonly libc: readonly string[];
} {
  const words = name.split(/[-/]/);
  return { os: named(words, systems), cpu: named(words, processors), libc: named(words, libraries) };
}

const header: unknown = process.report.getReport();
const ownLibrary = JSON.stringify(header).includes('"glibcVersionRuntime"') ? "glibc" : "musl";

function isForeign({ os, cpu, libc }: ReturnType<typeof platformOf>): boolean {
  if (process.platform === "linux" && libc.length > 0 && !libc.includes(ownLibrary)) return true;
  if (os.length > 0 && !os.includes(process.platform)) return true;
  return cpu.length > 0 && !cpu.includes(process.arch);
}

/** As Node resolves it: beside the package, then ever further up. */
function isLocked(lock: Lock, from: string, name: string): boolean {
  const levels = from.split("/node_modules/");
  const places = levels.map((_, index) => `${levels.slice(0, index + 1).join("/node_modules/")}/node_modules/${name}`);
  return [`node_modules/${name}`, ...places].some((place) => place in lock.packages);
}

function missing(lock: Lock): readonly (readonly [string, Record<string, unknown>])[] {
  return Object.entries(lock.packages).flatMap(([path, locked]) =>
    Object.entries(locked.optionalDependencies ?? {})
      .filter(([name, version]) => /^\d/.test(version) && !isLocked(lock, path, name))
      .map(([name, version]) => [name, entry(name, version, locked.dev === true)] as const),
  );
}

function entry(name: string, version: string, dev: boolean): Record<string, unknown> {
  const platform = platformOf(name);
  if (!isForeign(platform)) throw new Error(`${name}@${version} belongs to this platform but is not in the lock file`);
  const bounds = Object.entries(platform).filter(([, values]) => values.length > 0);
  return { version, ...Object.fromEntries(bounds), ...(dev ? { dev: true } : {}), optional: true };
}

const path = process.argv[2] ?? join(root, "package-lock.json");
const lock: Lock = JSON.parse(readFileSync(path, "utf8"));
const added = missing(lock);
for (const [name, value] of added) lock.packages[`node_modules/${name}`] = value;
const [first, ...others] = Object.entries(lock.packages);
// In the order that npm writes, so that a completed lock file differs in nothing else.
const ordered = others.sort(([one], [other]) => one.localeCompare(other, "en"));
lock.packages = Object.fromEntries(first === undefined ? [] : [first, ...ordered]);
writeFileSync(path, `${JSON.stringify(lock, null, 2)}\n`);
console.log(`${added.length} builds for other platforms named in ${path}`);
