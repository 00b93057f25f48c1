// Reads the file that a `<NAME>_FILE` setting points to: a mounted secret, bounded, without its closing line break.
import { closeSync, openSync, readSync } from "node:fs";

const largest = 64 * 1024;

export function attemptRead(read: () => string): string | undefined {
  try {
    return read();
  } catch {
    return undefined;
  }
}

function readAll(descriptor: number): Buffer {
  const buffer = Buffer.alloc(largest + 1);
  let filled = 0;
  while (filled < buffer.length) {
    const count = readSync(descriptor, buffer, filled, buffer.length - filled, null);
    if (count === 0) break;
    filled += count;
  }
  return buffer.subarray(0, filled);
}

/** Throws when the file cannot be read or holds more than 64 KiB (so that /dev/zero ends). */
export function readSettingFile(path: string): string {
  const descriptor = openSync(path, "r");
  try {
    const content = readAll(descriptor);
    if (content.length > largest) throw new Error("the file is too large for a setting");
    return content.toString("utf8").replace(/\r?\n$/, "");
  } finally {
    closeSync(descriptor);
  }
}
