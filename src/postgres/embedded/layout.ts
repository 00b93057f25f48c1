// What lies where in the data directory, and whether the directory can be used at all.
import { constants } from "node:fs";
import { access, mkdir, realpath, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { StartRefused } from "../../kernel/start-refused.ts";

export interface Layout {
  /** The data directory itself, without symbolic links. */
  readonly root: string;
  /** Ours alone; it appears whole, by a rename, when the first start has done everything. */
  readonly home: string;
  /** PostgreSQL's own directory, which also holds its socket. */
  readonly cluster: string;
  readonly credentials: string;
  readonly log: string;
}

export function layoutOf(root: string, home = join(root, "postgres")): Layout {
  return {
    root,
    home,
    cluster: join(home, "cluster"),
    credentials: join(home, "credentials.json"),
    log: join(home, "log"),
  };
}

function code(error: unknown): string {
  return (error as NodeJS.ErrnoException).code ?? "unknown";
}

async function isDirectory(path: string): Promise<boolean> {
  return stat(path).then(
    (found) => found.isDirectory(),
    () => false,
  );
}

/** Not Node's recursive form: it never returns where a directory that exists refuses entries with ENOENT, as /proc does. */
async function makeWithParents(path: string): Promise<void> {
  try {
    await mkdir(path, { mode: 0o700 });
  } catch (error) {
    if (code(error) === "EEXIST" && (await isDirectory(path))) return;
    if (code(error) !== "ENOENT" || (await isDirectory(dirname(path)))) throw error;
    await makeWithParents(dirname(path));
    await makeWithParents(path);
  }
}

async function makeDirectory(path: string): Promise<void> {
  try {
    await makeWithParents(resolve(path));
  } catch (error) {
    const reason = ["EEXIST", "ENOTDIR"].includes(code(error))
      ? "is not a directory"
      : `cannot be made (${code(error)})`;
    throw new StartRefused(`the data directory ${path} ${reason}`, { cause: error });
  }
}

/** Makes the data directory when it is missing. Throws StartRefused when it is not ours or cannot be written. */
export async function openDataDirectory(path: string): Promise<Layout> {
  await makeDirectory(path);
  const root = await realpath(path);
  const { uid, mode } = await stat(root);
  if (uid !== process.geteuid?.()) throw new StartRefused(`the data directory ${path} belongs to another user`);
  if ((mode & 0o022) !== 0) {
    throw new StartRefused(`the data directory ${path} can be written by other users: run chmod go-w on it`);
  }
  await access(root, constants.R_OK | constants.W_OK | constants.X_OK).catch((error: unknown) => {
    throw new StartRefused(`the data directory ${path} cannot be written`, { cause: error });
  });
  return layoutOf(root);
}
