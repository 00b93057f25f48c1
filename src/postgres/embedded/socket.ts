// The address of the server's Unix socket. Addresses of sockets may have about a hundred bytes; data directories may be
// longer, and are then reached through a short symbolic link in a private temporary directory.
import { mkdtemp, rm, symlink } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface SocketDirectory {
  readonly path: string;
  remove(): Promise<void>;
}

// sun_path has 104 bytes on macOS and 108 on Linux, and ends with a zero.
const longestAddress = 103;
const socketName = "/.s.PGSQL.5432";
export const socketPort = 5432;

export async function openSocketDirectory(cluster: string): Promise<SocketDirectory> {
  if (Buffer.byteLength(cluster + socketName) <= longestAddress) return { path: cluster, remove: async () => {} };
  // mkdtemp makes the directory for us alone, so nobody can put another link in its place.
  const directory = await mkdtemp(join(tmpdir(), "gh-"));
  const path = join(directory, "s");
  await symlink(cluster, path);
  return { path, remove: () => rm(directory, { recursive: true, force: true }) };
}
