// The strength estimate, in a thread that starts with the first registration and ends a minute after the last.
import type { StrengthEstimate } from "../domain/password-policy.ts";
import type { StrengthEstimator } from "../ports.ts";
import { secretBytes } from "./hasher.ts";
import { createLane } from "./lane.ts";
import type { WorkerManners } from "./niceness.ts";

export interface ClosableStrengthEstimator extends StrengthEstimator {
  close(): Promise<void>;
}

const idleMs = 60_000;
const workerHeapMb = 256;

export interface StrengthEstimatorOptions extends WorkerManners {
  readonly queue: number;
}

export function createStrengthEstimator({ queue, niceness }: StrengthEstimatorOptions): ClosableStrengthEstimator {
  const lane = createLane({
    script: new URL("./strength-worker.ts", import.meta.url),
    workers: 1,
    queue,
    heapMb: workerHeapMb,
    manners: { niceness },
    idleMs,
  });
  return {
    async estimate(password, words, signal) {
      return (await lane.run({ secret: secretBytes(password), parameters: { words } }, signal)) as StrengthEstimate;
    },
    close: () => lane.close(),
  };
}
