// Runs the clean-ups that slices offer. Work that must not be lost goes to a job library when there is such work.
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Sweep } from "../kernel/sweep.ts";

export interface Sweeps {
  /** Waits for the runs that are under way. */
  stop(): Promise<void>;
}

export function startSweeps(deps: {
  readonly sweeps: readonly Sweep[];
  readonly clock: Clock;
  readonly logger: Logger;
}): Sweeps {
  const running = new Set<Promise<void>>();
  const timers = deps.sweeps.map((sweep) => {
    let busy = false;
    const timer = setInterval(() => {
      if (busy) return;
      busy = true;
      const run = sweep
        .run(deps.clock.now())
        .catch((err: unknown) =>
          deps.logger.warn({ err, sweep: sweep.name }, "a clean-up failed and will be tried again"),
        )
        .finally(() => {
          busy = false;
          running.delete(run);
        });
      running.add(run);
    }, sweep.everyMs);
    timer.unref();
    return timer;
  });
  return {
    async stop() {
      for (const timer of timers) clearInterval(timer);
      await Promise.all(running);
    },
  };
}
