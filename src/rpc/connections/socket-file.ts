// The file of a Unix socket: stale ones go, and at no moment may more people reach it than are meant to.
import { chmodSync, chownSync, readFileSync, rmSync, statSync } from "node:fs";
import { connect } from "node:net";
import { StartRefused } from "../../kernel/start-refused.ts";

export interface SocketFile {
  /** Permission bits, such as 0o660. */
  readonly mode: number;
  /** Name or number; undefined = the process's own. */
  readonly group?: string | undefined;
}

export const ownersAlone: SocketFile = { mode: 0o600 };

/** True when some process accepts connections on the socket. */
function listens(path: string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", () => resolve(false));
  });
}

/** A socket file that a killed process left behind is in the way of nobody; one that somebody listens on stays theirs. */
export async function removeStaleSocket(path: string): Promise<void> {
  if (!statSync(path, { throwIfNoEntry: false })?.isSocket()) return;
  if (await listens(path)) throw new StartRefused(`cannot listen on unix:${path}: another process listens on it`);
  rmSync(path);
}

/** Node looks no groups up. Those that are not in the file (a directory service's) are given by number. */
function groupId(group: string): number {
  if (/^\d{1,9}$/.test(group)) return Number(group);
  const line = readFileSync("/etc/group", "utf8")
    .split("\n")
    .find((entry) => entry.startsWith(`${group}:`));
  const id = line?.split(":")[2];
  if (id === undefined) throw new StartRefused("GATEHOUSE_SOCKET_GROUP names no group of this machine");
  return Number(id);
}

/** Runs `bind`, which creates the socket synchronously; nobody but the owner can reach what it creates. */
export function creatingForOwnerAlone(bind: () => void): void {
  const before = process.umask(0o177);
  try {
    bind();
  } finally {
    process.umask(before);
  }
}

/** Opens the socket to those that it is for: the group first, so that the mode never holds for another one. */
export function admitToSocket(path: string, file: SocketFile): void {
  try {
    if (file.group !== undefined) chownSync(path, -1, groupId(file.group));
    chmodSync(path, file.mode);
  } catch (cause) {
    if (cause instanceof StartRefused) throw cause;
    throw new StartRefused(`cannot give unix:${path} to its group: the process may not do so`, { cause });
  }
}
