// What is known of the health of each service, and who waits to hear of a change.

export type Health = "SERVING" | "NOT_SERVING";

/** More names than this are a mistake of the composition root; it bounds the answer of List. */
const mostServices = 100;

export interface HealthStatuses {
  /** Undefined for a service that nobody has set. The empty name stands for the server as a whole. */
  of(service: string): Health | undefined;
  all(): ReadonlyMap<string, Health>;
  /** Without effect once closed. */
  set(service: string, health: Health): void;
  /** Everything is NOT_SERVING from now on, whatever is set later. */
  close(): void;
  closed(): boolean;
  /** Resolves at the next change of anything, or when `signal` aborts. */
  changed(signal: AbortSignal): Promise<void>;
}

export function createHealthStatuses(): HealthStatuses {
  const statuses = new Map<string, Health>([["", "NOT_SERVING"]]);
  const waiting = new Set<() => void>();
  let isClosed = false;

  function wake(): void {
    for (const resume of [...waiting]) resume();
  }

  return {
    of: (service) => statuses.get(service),
    all: () => statuses,
    closed: () => isClosed,
    set(service, health) {
      if (isClosed) return;
      if (!statuses.has(service) && statuses.size >= mostServices)
        throw new RangeError("too many services to watch over");
      statuses.set(service, health);
      wake();
    },
    close() {
      isClosed = true;
      for (const service of statuses.keys()) statuses.set(service, "NOT_SERVING");
      wake();
    },
    changed(signal) {
      return new Promise((resolve) => {
        const resume = (): void => {
          waiting.delete(resume);
          signal.removeEventListener("abort", resume);
          resolve();
        };
        if (signal.aborted) return resolve();
        waiting.add(resume);
        signal.addEventListener("abort", resume, { once: true });
      });
    },
  };
}
