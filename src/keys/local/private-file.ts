// Reads files that hold keys, and refuses to use one that others on the machine could have read or changed.
import { constants, type Stats } from "node:fs";
import { lstat, mkdir, open } from "node:fs/promises";
import { StartRefused } from "../../kernel/start-refused.ts";

const othersMay = 0o077;
const ownerDirectory = 0o700;

function errorCode(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}

export function isErrorCode(error: unknown, code: string): boolean {
  return errorCode(error) === code;
}

/** The failed access to `path` as a sentence for the operator. */
export function accessRefused(doing: string, path: string, error: unknown): StartRefused {
  return new StartRefused(`cannot ${doing} ${path} (${errorCode(error)})`, { cause: error });
}

function checkPrivate(path: string, stats: Stats, wanted: string): void {
  if ((stats.mode & othersMay) !== 0) {
    const mode = (stats.mode & 0o777).toString(8).padStart(4, "0");
    throw new StartRefused(
      `${path} holds keys and is open to other users (mode ${mode}): set it to ${wanted} and consider its keys read`,
    );
  }
  const user = process.geteuid?.();
  if (user !== undefined && stats.uid !== user) {
    throw new StartRefused(`${path} belongs to user id ${stats.uid}, but Gatehouse runs as ${user}`);
  }
}

/** The file's bytes, or undefined when there is none. A symbolic link is refused: its target may be anyone's. */
export async function readPrivateFile(path: string): Promise<Buffer | undefined> {
  try {
    const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
    try {
      checkPrivate(path, await file.stat(), "0600");
      return await file.readFile();
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isErrorCode(error, "ENOENT")) return undefined;
    if (error instanceof StartRefused) throw error;
    throw accessRefused("read", path, error);
  }
}

/** Makes the directory when it is missing, and refuses one that others may enter. */
export async function ensurePrivateDirectory(path: string): Promise<void> {
  try {
    await mkdir(path, { recursive: true, mode: ownerDirectory });
    const stats = await lstat(path);
    if (!stats.isDirectory()) throw new StartRefused(`${path} is not a directory`);
    checkPrivate(path, stats, "0700");
  } catch (error) {
    if (error instanceof StartRefused) throw error;
    throw accessRefused("create", path, error);
  }
}
