// The first start: makes the cluster, its logins and its database beside their place and moves them there at the end, so
// that a first start that was killed leaves nothing that a second one could mistake for a database.
import { randomBytes } from "node:crypto";
import { access, chown, mkdir, open, readdir, rename, rm, writeFile } from "node:fs/promises";
import { userInfo } from "node:os";
import { join } from "node:path";
import type { Secret } from "../../kernel/secret.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import type { Binaries } from "./binaries.ts";
import { logins, makeCredentials, writeCredentials } from "./credentials.ts";
import { type Layout, layoutOf } from "./layout.ts";
import { dataArgument, type OsUser } from "./os-user.ts";
import { run } from "./run.ts";

export const databaseName = "gatehouse";
const unfinishedPrefix = "postgres.unfinished-";

// Everyone else, the superuser included, is refused: the file names who may enter.
const hostAccess = `local all ${Object.values(logins).join(",")} scram-sha-256\n`;

function loginStatements(credentials: Readonly<Record<keyof typeof logins, Secret<string>>>): string {
  return [
    "create role gatehouse_app nologin",
    "create role gatehouse_log nologin",
    `create role ${logins.owner} login createdb createrole password '${credentials.owner.expose()}'`,
    `create role ${logins.app} login in role gatehouse_app password '${credentials.app.expose()}'`,
    `create role ${logins.log} login in role gatehouse_log password '${credentials.log.expose()}'`,
    `create database ${databaseName} owner ${logins.owner}`,
    "",
  ].join(";\n\n");
}

async function makeCluster(place: Layout, binaries: Binaries, user: OsUser | undefined): Promise<void> {
  const data = dataArgument(place.cluster, user);
  const at = { directory: place.cluster, user };
  const options = ["--username=postgres", "--auth=reject", "--encoding=UTF8", "--locale=C"];
  // The same order and case rules on every machine, whatever its C library has.
  options.push("--locale-provider=builtin", "--builtin-locale=C.UTF-8");
  await run({ ...at, command: binaries.initdb, arguments: ["-D", data, ...options, "--no-sync", "--no-instructions"] });
  const credentials = makeCredentials();
  // A single process without a door: the logins exist before anyone could connect.
  await run({
    ...at,
    command: binaries.postgres,
    arguments: ["--single", "-D", data, "-c", "fsync=off", "-c", "io_method=sync", "-j", "template1"],
    input: loginStatements(credentials),
  });
  await writeFile(join(place.cluster, "pg_hba.conf"), hostAccess);
  await run({ ...at, command: binaries.initdb, arguments: ["-D", data, "--sync-only"] });
  await writeCredentials(place.credentials, credentials);
}

async function syncDirectory(path: string): Promise<void> {
  const directory = await open(path, "r");
  await directory.sync().finally(() => directory.close());
}

/** What earlier first starts left when they were killed. What cannot go now goes the next time. */
async function removeUnfinished(root: string): Promise<void> {
  for (const name of await readdir(root)) {
    if (!name.startsWith(unfinishedPrefix)) continue;
    await rm(join(root, name), { recursive: true, force: true, maxRetries: 10, retryDelay: 50 }).catch(() => {});
  }
}

/** initdb refuses a user id without a name, which containers are often given. */
function likelyCause(): string {
  try {
    userInfo();
    return "is there room on the disk?";
  } catch {
    return "PostgreSQL asks for a user with a name, and the id that this process runs under has none";
  }
}

/** The directory must be locked. False when the cluster was there already. */
export async function initialiseOnce(layout: Layout, binaries: Binaries, user: OsUser | undefined): Promise<boolean> {
  const present = await access(layout.home).then(
    () => true,
    () => false,
  );
  if (present) return false;
  await removeUnfinished(layout.root);
  // A name of its own each time: an initdb whose parent was killed may still be writing under the old one.
  const name = `${unfinishedPrefix}${randomBytes(4).toString("hex")}`;
  const place = layoutOf(layout.root, join(layout.root, name));
  await mkdir(place.home, { mode: 0o700 });
  await mkdir(place.cluster, { mode: 0o700 });
  if (user !== undefined) await chown(place.cluster, user.uid, user.gid);
  await makeCluster(place, binaries, user).catch((error: unknown) => {
    throw new StartRefused(`a new database cannot be made in ${layout.root}: ${likelyCause()}`, { cause: error });
  });
  await syncDirectory(place.home);
  await rename(place.home, layout.home);
  await syncDirectory(layout.root);
  return true;
}
