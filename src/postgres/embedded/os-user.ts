// PostgreSQL refuses to run as root, so root starts it as another user.
import { readFile } from "node:fs/promises";
import { platform } from "node:os";
import { StartRefused } from "../../kernel/start-refused.ts";

export interface OsUser {
  readonly name: string;
  readonly uid: number;
  readonly gid: number;
}

// A user of its own is best; `nobody` exists everywhere and may be shared with other services.
const candidates = ["gatehouse", "postgres", "nobody"];

/** Undefined when we are not root: PostgreSQL then runs as ourselves. */
export async function findOsUser(): Promise<OsUser | undefined> {
  if (process.geteuid?.() !== 0) return undefined;
  if (platform() !== "linux")
    throw new StartRefused("the embedded Postgres cannot be started by root here: use another user");
  const users = new Map<string, OsUser>();
  for (const line of (await readFile("/etc/passwd", "utf8")).split("\n")) {
    const [name = "", , uid = "", gid = ""] = line.split(":");
    if (/^[1-9]\d*$/.test(uid)) users.set(name, { name, uid: Number(uid), gid: Number(gid) });
  }
  for (const name of candidates) {
    const user = users.get(name);
    if (user) return user;
  }
  throw new StartRefused(
    `the embedded Postgres cannot run as root, and there is none of the users ${candidates.join(", ")}`,
  );
}

/**
 * How PostgreSQL is told where its data is. A user other than ours may not be able to walk to the data directory, which
 * lies in a directory that only we may enter; the process is started inside it and finds it there.
 */
export function dataArgument(cluster: string, user: OsUser | undefined): string {
  return user === undefined ? cluster : "/proc/self/cwd";
}
