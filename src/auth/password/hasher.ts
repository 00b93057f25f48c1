// Argon2id in the hashing lane.
import { availableParallelism } from "node:os";
import type { Argon2Cost } from "../domain/phc.ts";
import type { PasswordHasher } from "../ports.ts";
import { createLane, type LaneLoad } from "./lane.ts";
import type { WorkerManners } from "./niceness.ts";

export interface PasswordHasherOptions extends WorkerManners {
  readonly cost: Argon2Cost;
  /** 0 = half of the cores, at least one. */
  readonly lanes: number;
  readonly queue: number;
}

export interface ClosablePasswordHasher extends PasswordHasher {
  load(): LaneLoad;
  close(): Promise<void>;
}

const workerHeapMb = 32;

export function laneCount(setting: number, cores: number): number {
  return setting > 0 ? setting : Math.max(1, Math.floor(cores / 2));
}

/** A copy with a buffer of its own, so that it can be given away and erased. */
export function secretBytes(text: string): Uint8Array<ArrayBuffer> {
  return new TextEncoder().encode(text);
}

export function createPasswordHasher({ cost, lanes, queue, niceness }: PasswordHasherOptions): ClosablePasswordHasher {
  const lane = createLane({
    script: new URL("./hash-worker.ts", import.meta.url),
    workers: laneCount(lanes, availableParallelism()),
    queue,
    heapMb: workerHeapMb,
    manners: { niceness },
  });
  return {
    cost,
    async hash(password, signal) {
      return String(await lane.run({ secret: secretBytes(password), parameters: { kind: "hash", cost } }, signal));
    },
    async verify(phc, password, signal) {
      const job = { secret: secretBytes(password), parameters: { kind: "verify", phc } };
      return (await lane.run(job, signal)) === true;
    },
    load: lane.load,
    close: () => lane.close(),
  };
}
