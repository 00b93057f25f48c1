// What threads of passwords do before their work, so that calls go first (docs/decisions/0013-password-threads.md).
import { getPriority, setPriority } from "node:os";
import { workerData } from "node:worker_threads";

/** What a lane's worker starts with. */
export interface WorkerManners {
  /** 0 to 19: how far it stands back for other threads, sched(7). */
  readonly niceness: number;
}

/**
 * For the calling worker, as its lane says; one that stands back further already, because its process does, stays there. On Linux
 * this is the thread's own priority; elsewhere it would be that of the whole process, so nothing is done.
 */
export function takeNiceness(): void {
  const { niceness } = workerData as WorkerManners;
  if (process.platform === "linux" && niceness > getPriority(0)) setPriority(0, niceness);
}
