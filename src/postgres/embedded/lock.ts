// One process per data directory. The lock is the operating system's own, on a file, taken through the SQLite that is
// part of Node, because Node itself offers none: it dies with the process however that dies, so there is no stale lock to
// judge, and no process id that could be another's by now.
import { readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { StartRefused } from "../../kernel/start-refused.ts";
import { isAlive } from "./process-id.ts";

export interface DirectoryLock {
  release(): void;
}

const sqliteBusy = 5;
/** Who has half of the lock waits for those who only look at it: without that, of several who come at once all were refused. */
const busyMs = 500;

function take(path: string): DatabaseSync | undefined {
  const file = new DatabaseSync(path);
  try {
    file.exec(
      `pragma busy_timeout = ${busyMs}; pragma journal_mode = memory; pragma locking_mode = exclusive; begin exclusive`,
    );
    return file;
  } catch (error) {
    file.close();
    if ((error as { errcode?: number }).errcode === sqliteBusy) return undefined;
    throw error;
  }
}

/** The file with the process id is for people; nothing is decided by it. */
async function holder(pidPath: string): Promise<string> {
  const pid = Number(await readFile(pidPath, "utf8").catch(() => ""));
  return pid > 0 && isAlive(pid) ? `the process ${pid}` : "another process";
}

/** Throws StartRefused, naming the process that has the directory. */
export async function lockDirectory(root: string): Promise<DirectoryLock> {
  const path = join(root, "lock");
  const pidPath = join(root, "lock.pid");
  // Made by us before SQLite can make it for everyone to read.
  await writeFile(path, "", { flag: "a", mode: 0o600 });
  let file: DatabaseSync | undefined;
  try {
    file = take(path);
  } catch (error) {
    throw new StartRefused(`the data directory ${root} cannot be locked`, { cause: error });
  }
  if (file === undefined) throw new StartRefused(`the data directory ${root} is in use by ${await holder(pidPath)}`);
  const held = file;
  await writeFile(pidPath, `${process.pid}\n`, { mode: 0o600 });
  return { release: () => held.close() };
}
