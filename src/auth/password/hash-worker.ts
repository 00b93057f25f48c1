// Thread of the hashing lane: one argon2 hashing at a time, at a low priority, with nothing of the password left.

import { randomBytes } from "node:crypto";
import { parentPort } from "node:worker_threads";
import { hashSync, verifySync } from "@node-rs/argon2";
import type { Argon2Cost } from "../domain/phc.ts";
import { saltBytes, tagBytes } from "../domain/phc.ts";
import { takeNiceness } from "./niceness.ts";

export type HashJob =
  | { readonly secret: Uint8Array; readonly kind: "hash"; readonly cost: Argon2Cost }
  | { readonly secret: Uint8Array; readonly kind: "verify"; readonly phc: string };

takeNiceness();

// The synchronous functions stay on this thread: the asynchronous ones would take threads of the shared libuv pool.
function perform(job: HashJob): string | boolean {
  if (job.kind === "verify") return verifySync(job.phc, job.secret);
  return hashSync(job.secret, {
    memoryCost: job.cost.memoryKib,
    timeCost: job.cost.iterations,
    parallelism: job.cost.parallelism,
    outputLen: tagBytes,
    salt: randomBytes(saltBytes),
  });
}

parentPort?.on("message", (job: HashJob) => {
  try {
    parentPort?.postMessage({ value: perform(job) });
  } catch {
    parentPort?.postMessage({ failure: `argon2 could not ${job.kind}` });
  } finally {
    job.secret.fill(0);
  }
});
