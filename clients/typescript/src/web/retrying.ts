// Repeats calls whose repetition does no harm, inside the time that the call has.
import { Code, ConnectError, type Transport } from "@connectrpc/connect";
import { traitsOf } from "../core/method-traits.ts";
import type { Patience } from "./patience.ts";

/** False when `signal` ended the wait. */
function waited(ms: number, signal: AbortSignal | undefined): Promise<boolean> {
  return new Promise((resolve) => {
    if (signal?.aborted) return resolve(false);
    const end = (whole: boolean): void => {
      clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      resolve(whole);
    };
    const onAbort = (): void => end(false);
    const timer = setTimeout(() => end(true), ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}

/** Only unary calls: what was sent on a stream is gone. */
export function createRetrying(inner: Transport, patience: Patience): Transport {
  return {
    async unary(method, signal, timeoutMs, header, input, values) {
      const { repeatable } = traitsOf(method);
      const end = performance.now() + (timeoutMs ?? Number.POSITIVE_INFINITY);
      for (let attempt = 1; ; attempt++) {
        // The wire has whole milliseconds, and takes zero for no deadline at all.
        const left = timeoutMs === undefined ? undefined : Math.max(1, Math.ceil(end - performance.now()));
        try {
          const answer = await inner.unary(method, signal, left, header, input, values);
          patience.good();
          return answer;
        } catch (thrown) {
          const error = ConnectError.from(thrown, Code.Unknown);
          const wait = patience.afterFailure(error, attempt + 1);
          // An answer that would come too late is worth less than the reason for its delay.
          if (!repeatable || wait === undefined || performance.now() + wait >= end) throw error;
          if (!(await waited(wait, signal))) throw error;
        }
      }
    },
    stream: (method, signal, timeoutMs, header, input, values) =>
      inner.stream(method, signal, timeoutMs, header, input, values),
  };
}
