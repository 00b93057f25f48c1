// One worker thread that does one job at a time. It starts with its first job, is replaced when it dies, and goes when
// it has had nothing to do for long, where that is asked for.
import { Worker } from "node:worker_threads";
import { GatehouseError } from "../../kernel/errors.ts";
import type { WorkerManners } from "./niceness.ts";

export interface WorkerSeatOptions {
  /** Module that answers every posted job with a WorkerAnswer. */
  readonly script: URL;
  readonly heapMb: number;
  readonly manners: WorkerManners;
  /** Undefined = the worker stays. */
  readonly idleMs?: number | undefined;
}

/** What a worker posts for a job. A failure holds no input. */
export type WorkerAnswer = { readonly value: unknown } | { readonly failure: string };

export interface WorkerSeat {
  /** Buffers in `transfer` are given away. Rejects with INTERNAL when the job fails or the worker dies under it. */
  run(job: object, transfer: readonly ArrayBuffer[]): Promise<unknown>;
  close(): Promise<void>;
}

interface Running {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: Error) => void;
}

export function createWorkerSeat({ script, heapMb, manners, idleMs }: WorkerSeatOptions): WorkerSeat {
  let worker: Worker | undefined;
  let running: Running | undefined;
  let idle: NodeJS.Timeout | undefined;

  function settle(answer: WorkerAnswer): void {
    const job = running;
    running = undefined;
    if (idleMs !== undefined) idle = setTimeout(() => void close(), idleMs).unref();
    if ("value" in answer) job?.resolve(answer.value);
    else job?.reject(new GatehouseError("INTERNAL", { cause: new Error(answer.failure) }));
  }

  function died(dead: Worker, cause: unknown): void {
    if (worker !== dead) return;
    worker = undefined;
    running?.reject(new GatehouseError("INTERNAL", { cause }));
    running = undefined;
  }

  function start(): Worker {
    // Settings hold secrets, so the environment is not handed on.
    const started = new Worker(script, {
      env: {},
      workerData: manners,
      resourceLimits: { maxOldGenerationSizeMb: heapMb, maxYoungGenerationSizeMb: 8 },
    });
    started.unref();
    started.on("message", settle);
    started.on("error", (error) => died(started, error));
    started.on("exit", (code) => died(started, new Error(`the worker ended with code ${code}`)));
    return started;
  }

  async function close(): Promise<void> {
    clearTimeout(idle);
    const last = worker;
    worker = undefined;
    await last?.terminate();
  }

  return {
    run: (job, transfer) =>
      new Promise((resolve, reject) => {
        clearTimeout(idle);
        running = { resolve, reject };
        worker ??= start();
        worker.postMessage(job, transfer);
      }),
    close,
  };
}
