// Small files that must survive a crash at any instruction: after it, the name holds the old bytes or the new ones,
// whole, and never something between.
import { randomBytes } from "node:crypto";
import { link, open, readdir, rename, stat, unlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { isErrorCode } from "./private-file.ts";

/** The part of node:fs/promises used here; a parameter, so that tests can fail or stop it at every step. */
export interface Disk {
  readonly open: typeof open;
  readonly link: typeof link;
  readonly rename: typeof rename;
  readonly unlink: typeof unlink;
}

export const disk: Disk = { open, link, rename, unlink };

const ownerOnly = 0o600;
const leftover = /\.[0-9a-f]{16}\.tmp$/;
// Another process that starts right now may still be writing its own.
const leftoverAgeMs = 60_000;

async function syncDirectory(on: Disk, path: string): Promise<void> {
  const directory = await on.open(path, "r");
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}

async function writeTemporary(on: Disk, path: string, bytes: Buffer): Promise<void> {
  const file = await on.open(path, "wx", ownerOnly);
  try {
    await file.writeFile(bytes);
    await file.sync();
  } finally {
    await file.close();
  }
}

async function throughTemporary(on: Disk, path: string, bytes: Buffer, publish: (temporary: string) => Promise<void>) {
  const temporary = `${path}.${randomBytes(8).toString("hex")}.tmp`;
  try {
    await writeTemporary(on, temporary, bytes);
    await publish(temporary);
    await syncDirectory(on, dirname(path));
  } finally {
    // Gone already after a rename; after a failure nobody can do more than try.
    await on.unlink(temporary).catch(() => undefined);
  }
}

/** Replaces the file at once and durably. */
export async function replaceFile(path: string, bytes: Buffer, on: Disk = disk): Promise<void> {
  await throughTemporary(on, path, bytes, (temporary) => on.rename(temporary, path));
}

/** Creates the file at once and durably. Fails with EEXIST when the name is taken, and leaves what is there alone. */
export async function createFile(path: string, bytes: Buffer, on: Disk = disk): Promise<void> {
  await throughTemporary(on, path, bytes, (temporary) => on.link(temporary, path));
}

async function removeIfOld(path: string, now: Date): Promise<void> {
  try {
    const { mtimeMs } = await stat(path);
    if (now.getTime() - mtimeMs > leftoverAgeMs) await unlink(path);
  } catch (error) {
    // Its writer finished in the meantime.
    if (!isErrorCode(error, "ENOENT")) throw error;
  }
}

/** Removes what crashed writes left behind: it may be a second name of a key that the operator believes moved away. */
export async function removeLeftovers(directory: string, now: Date): Promise<void> {
  const names = await readdir(directory);
  await Promise.all(names.filter((name) => leftover.test(name)).map((name) => removeIfOld(join(directory, name), now)));
}
