// A worker for the tests of the lane, which does as it is told: answers, fails, dies, or waits at a gate that the test
// opens.
import { parentPort, threadId } from "node:worker_threads";

interface ScriptedJob {
  readonly secret: Uint8Array;
  readonly does: "answer" | "identify" | "fail" | "die" | "exit";
  /** Waits until it is no longer 0. */
  readonly gate?: Int32Array;
  /** Counts how many jobs are at the gate, or through. */
  readonly arrived?: Int32Array;
}

parentPort?.on("message", ({ secret, does, gate, arrived }: ScriptedJob) => {
  if (arrived !== undefined) {
    Atomics.add(arrived, 0, 1);
    Atomics.notify(arrived, 0);
  }
  if (gate !== undefined) Atomics.wait(gate, 0, 0);
  if (does === "die") throw new Error("died as told");
  if (does === "exit") process.exit(3);
  const value = does === "identify" ? threadId : Buffer.from(secret).toString();
  parentPort?.postMessage(does === "fail" ? { failure: "failed as told" } : { value });
});
