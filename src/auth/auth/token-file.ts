// The file that holds the bootstrap token: readable by its owner alone from the moment it exists, whole or not at all.
import { randomUUID } from "node:crypto";
import { mkdir, open, readFile, rename, rm } from "node:fs/promises";
import { join } from "node:path";

export interface TokenFile {
  /** Answers the path. */
  write(token: string): Promise<string>;
  /** Undefined when there is none. */
  read(): Promise<string | undefined>;
  remove(): Promise<undefined>;
}

const ownerOnly = 0o600;
const ownerOnlyDirectory = 0o700;

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}

export function createTokenFile(dataDir: string): TokenFile {
  const path = join(dataDir, "bootstrap-token");

  async function write(token: string): Promise<string> {
    await mkdir(dataDir, { recursive: true, mode: ownerOnlyDirectory });
    // A new file under a name nobody can have prepared, so that neither a link nor wider rights await the token.
    const fresh = `${path}.${randomUUID()}`;
    const handle = await open(fresh, "wx", ownerOnly);
    try {
      await handle.writeFile(`${token}\n`);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await rename(fresh, path);
    return path;
  }

  async function read(): Promise<string | undefined> {
    try {
      return (await readFile(path, "utf8")).trim();
    } catch (error) {
      if (isMissing(error)) return undefined;
      throw error;
    }
  }

  async function remove(): Promise<undefined> {
    await rm(path, { force: true });
    return undefined;
  }

  return { write, read, remove };
}
