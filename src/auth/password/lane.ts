// A bounded queue in front of a few worker threads, so that slow work on passwords starves nothing else: what does not
// fit is told when to come back, and what nobody waits for any more is dropped before it costs anything.
import { GatehouseError } from "../../kernel/errors.ts";
import { createWorkerSeat, type WorkerSeat, type WorkerSeatOptions } from "./worker-seat.ts";

export interface LaneOptions extends WorkerSeatOptions {
  readonly workers: number;
  /** Jobs that may wait while all workers are busy. */
  readonly queue: number;
}

export interface LaneJob {
  /** Handed to the worker; erased when the job is dropped. */
  readonly secret: Uint8Array<ArrayBuffer>;
  readonly parameters: object;
}

export interface Lane {
  /**
   * Errors: LOGIN_BUSY when the queue is full; the signal's reason when it aborts; DRAINING once closed; INTERNAL when
   * the worker died under the job.
   */
  run(job: LaneJob, signal: AbortSignal): Promise<unknown>;
  load(): LaneLoad;
  /** Jobs accepted before are still done. */
  close(): Promise<void>;
}

export interface LaneLoad {
  readonly running: number;
  readonly waiting: number;
}

interface Waiting {
  readonly job: LaneJob;
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: unknown) => void;
  readonly signal: AbortSignal;
  readonly onAbort: () => void;
}

/** Assumed until jobs have been measured. */
const firstGuessMs = 100;
const shortestRetryMs = 100;
const longestRetryMs = 30_000;

function abortReason(signal: AbortSignal): GatehouseError {
  const reason: unknown = signal.reason;
  return reason instanceof GatehouseError ? reason : new GatehouseError("CANCELLED", { cause: reason });
}

/** Recent jobs weigh most, so that the estimate follows a machine that slows down. */
function createStopwatch(): { mean(): number; lap(ms: number): void } {
  let mean = firstGuessMs;
  return {
    mean: () => mean,
    lap: (ms) => {
      mean += (ms - mean) / 8;
    },
  };
}

export function createLane(options: LaneOptions): Lane {
  const free: WorkerSeat[] = Array.from({ length: options.workers }, () => createWorkerSeat(options));
  const seats = [...free];
  const waiting: Waiting[] = [];
  const stopwatch = createStopwatch();
  let closed: { readonly drained: () => void } | undefined;

  function retryAfterMs(): number {
    const ahead = waiting.length + options.workers - free.length;
    const estimate = Math.ceil(((ahead + 1) / options.workers) * stopwatch.mean());
    return Math.min(longestRetryMs, Math.max(shortestRetryMs, estimate));
  }

  async function work(seat: WorkerSeat, next: Waiting): Promise<void> {
    const begun = performance.now();
    const { secret, parameters } = next.job;
    try {
      next.resolve(await seat.run({ secret, ...parameters }, [secret.buffer]));
      stopwatch.lap(performance.now() - begun);
    } catch (error) {
      next.reject(error);
    } finally {
      next.signal.removeEventListener("abort", next.onAbort);
      free.push(seat);
      dispatch();
    }
  }

  function dispatch(): void {
    while (waiting.length > 0 && free.length > 0) {
      const next = waiting.shift();
      const seat = free.pop();
      if (next !== undefined && seat !== undefined) void work(seat, next);
    }
    if (free.length === seats.length) closed?.drained();
  }

  function enqueue(job: LaneJob, signal: AbortSignal): Promise<unknown> {
    return new Promise((resolve, reject) => {
      // A job that runs already cannot be stopped; its caller need not wait for it.
      const onAbort = (): void => {
        const position = waiting.indexOf(entry);
        if (position >= 0) waiting.splice(position, 1);
        if (position >= 0) job.secret.fill(0);
        reject(abortReason(signal));
      };
      const entry: Waiting = { job, resolve, reject, signal, onAbort };
      signal.addEventListener("abort", onAbort, { once: true });
      waiting.push(entry);
      dispatch();
    });
  }

  function refusal(signal: AbortSignal): GatehouseError | undefined {
    if (closed !== undefined) return new GatehouseError("DRAINING");
    if (signal.aborted) return abortReason(signal);
    if (free.length > 0 || waiting.length < options.queue) return undefined;
    return new GatehouseError("LOGIN_BUSY", { retryAfterMs: retryAfterMs() });
  }

  return {
    async run(job, signal) {
      const refused = refusal(signal);
      if (refused === undefined) return enqueue(job, signal);
      job.secret.fill(0);
      throw refused;
    },
    load: () => ({ running: seats.length - free.length, waiting: waiting.length }),
    async close() {
      const { promise, resolve } = Promise.withResolvers<void>();
      closed = { drained: resolve };
      dispatch();
      await promise;
      await Promise.all(seats.map((seat) => seat.close()));
    },
  };
}
