// The time that one call has, its wait for a token and its replay included.
import { Code, ConnectError } from "@connectrpc/connect";

export interface Budget {
  /** Milliseconds left, more than 0. Throws DeadlineExceeded when nothing is left. */
  left(): number;
  /**
   * Waits for what other calls may wait for too: when this call is out of time or cancelled, it stops waiting and what
   * it waited for goes on.
   */
  wait<T>(value: T | Promise<T>): T | Promise<T>;
}

function outOfTime(): ConnectError {
  return new ConnectError("the call did not finish in its time", Code.DeadlineExceeded);
}

function waitFor<T>(promise: Promise<T>, signal: AbortSignal | undefined, ms: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = (): void => settle(() => reject(cancelled(signal)));
    const timer = Number.isFinite(ms) ? setTimeout(() => settle(() => reject(outOfTime())), ms) : undefined;
    function settle(then: () => void): void {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      then();
    }
    signal?.addEventListener("abort", onAbort, { once: true });
    promise.then(
      (value) => settle(() => resolve(value)),
      (error: unknown) => settle(() => reject(error)),
    );
  });
}

/** The error of a call whose caller has gone. */
function cancelled(signal: AbortSignal | undefined): ConnectError {
  return new ConnectError("the call was cancelled", Code.Canceled, undefined, undefined, signal?.reason);
}

/** `timeoutMs` may be Infinity, which is the only way to have no deadline. */
export function createBudget(timeoutMs: number, signal: AbortSignal | undefined): Budget {
  if (!(timeoutMs > 0)) throw new RangeError("timeoutMs must be more than 0");
  const end = performance.now() + timeoutMs;
  function left(): number {
    if (signal?.aborted) throw cancelled(signal);
    const ms = end - performance.now();
    if (ms <= 0) throw outOfTime();
    return ms;
  }
  return {
    left,
    wait: (value) => (value instanceof Promise ? waitFor(value, signal, left()) : value),
  };
}
