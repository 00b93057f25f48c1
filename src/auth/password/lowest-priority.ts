// What threads of passwords do before their work, so that calls go first (docs/decisions/0013-password-threads.md).
import { setPriority } from "node:os";

const lowest = 19;

/** For the calling thread. On Linux this is the thread's own priority; elsewhere it would be that of the whole process, so nothing is done. */
export function takeLowestPriority(): void {
  if (process.platform === "linux") setPriority(0, lowest);
}
