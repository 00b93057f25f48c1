// One limit of time for everything that a call to Vault consists of: waiting for a login, the call, its repeats.
import { VaultUnavailable } from "./ports.ts";

export interface Deadline extends Disposable {
  /** Its reason is a VaultUnavailable, which whatever waits may throw as it is. */
  readonly signal: AbortSignal;
}

/** Ends after `ms`, or with `also`, whichever is first. Must be disposed. */
export function startDeadline(ms: number, pathTemplate: string, also?: AbortSignal): Deadline {
  const controller = new AbortController();
  const end = () => controller.abort(new VaultUnavailable("deadline", pathTemplate));
  const timer = setTimeout(end, ms);
  also?.addEventListener("abort", end);
  if (also?.aborted === true) end();
  return {
    signal: controller.signal,
    [Symbol.dispose]() {
      clearTimeout(timer);
      also?.removeEventListener("abort", end);
    },
  };
}

/** Waits for what others wait for as well, and gives up alone. */
export async function waitUnder<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const over = Promise.withResolvers<never>();
  const onAbort = () => over.reject(signal.reason);
  signal.addEventListener("abort", onAbort);
  try {
    return await Promise.race([answer, over.promise]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

export async function pauseUnder(ms: number, signal: AbortSignal): Promise<void> {
  const pause = Promise.withResolvers<void>();
  const timer = setTimeout(pause.resolve, ms);
  await waitUnder(pause.promise, signal).finally(() => clearTimeout(timer));
}
