// The files that certificates and keys come from: read with bounds, a private key only when it is private, and watched by
// what the file system says of them.
import { constants } from "node:fs";
import { open, stat } from "node:fs/promises";
import { StartRefused } from "../kernel/start-refused.ts";

/** A setting and the path that it holds, both for the refusal. */
export interface NamedFile {
  readonly setting: string;
  readonly path: string;
}

const largest = 32 * 1024 * 1024;
// Orchestrators hand keys to a group (fsGroup of Kubernetes), so it may read; nobody else may, and only the owner writes.
const tooOpen = 0o027;

export function refused({ setting, path }: NamedFile, fault: string, cause?: unknown): StartRefused {
  return new StartRefused(`${path} of ${setting} ${fault}`, { cause });
}

function codeOf(error: unknown): string {
  return error instanceof Error && "code" in error && typeof error.code === "string" ? error.code : "unknown";
}

function requirePrivate(file: NamedFile, mode: number): void {
  if ((mode & tooOpen) === 0) return;
  const shown = (mode & 0o777).toString(8).padStart(4, "0");
  throw refused(file, `is open to other users (mode ${shown}): set it to 0600 and consider the key read`);
}

/** Throws StartRefused in one sentence. `secret` = it holds a private key. */
export async function readNamedFile(file: NamedFile, secret = false): Promise<Buffer> {
  try {
    // A pipe in its place must not hang the start.
    const handle = await open(file.path, constants.O_RDONLY | constants.O_NONBLOCK);
    try {
      const stats = await handle.stat();
      if (!stats.isFile()) throw refused(file, "is not a file");
      if (stats.size > largest) throw refused(file, "is too large");
      if (secret) requirePrivate(file, stats.mode);
      return await handle.readFile();
    } finally {
      await handle.close();
    }
  } catch (error) {
    if (error instanceof StartRefused) throw error;
    const code = codeOf(error);
    throw refused(file, code === "ENOENT" ? "does not exist" : `cannot be read (${code})`, error);
  }
}

async function stateOf(path: string): Promise<string> {
  try {
    const { dev, ino, size, mtimeNs, mode } = await stat(path, { bigint: true });
    return [dev, ino, size, mtimeNs, mode].join(":");
  } catch {
    return "gone";
  }
}

/** Differs when one of the files was written or replaced since; follows links, as mounted secrets are links. */
export async function stateOfFiles(files: readonly NamedFile[]): Promise<string> {
  return (await Promise.all(files.map(({ path }) => stateOf(path)))).join(" ");
}

/** The PEM blocks with this label, each as text. */
export function pemBlocks(text: string, label: string): readonly string[] {
  return text.match(new RegExp(`-----BEGIN ${label}-----[A-Za-z0-9+/=\\s]+-----END ${label}-----`, "g")) ?? [];
}

export function pemBytes(block: string): Buffer {
  return Buffer.from(block.replace(/-----[^-]+-----/g, ""), "base64");
}
