// How much the process has to do, and which calls it turns away for that: long lists first, checks of tokens last, and
// whether it lives it always says.
import type { PriorityName } from "../policy.ts";

export interface PressureSettings {
  /** Lateness of the event loop from which on bulk is turned away; twice that for normal, eight times for critical calls. */
  readonly lagMs: number;
  /** Calls under way: from half of them on bulk is turned away, from four fifths normal, and nothing but health beyond. */
  readonly maxRunning: number;
}

export interface Pressure {
  begin(): void;
  end(): void;
  /** How late the event loop was when it was last looked at. */
  observe(lagMs: number): void;
  turnsAway(priority: PriorityName): boolean;
  update(settings: PressureSettings): void;
  readonly running: number;
  readonly lagMs: number;
}

type Sheddable = Exclude<PriorityName, "health">;

const lagFactor: Readonly<Record<Sheddable, number>> = { bulk: 1, normal: 2, critical: 8 };
const runningShare: Readonly<Record<Sheddable, number>> = { bulk: 0.5, normal: 0.8, critical: 1 };

export function createPressure(initial: PressureSettings): Pressure {
  let settings = initial;
  let running = 0;
  let last = 0;
  // One look may have met a collection of garbage; two in a row are a state.
  let lag = 0;
  return {
    begin() {
      running += 1;
    },
    end() {
      running -= 1;
    },
    observe(lagMs) {
      lag = Math.min(last, lagMs);
      last = lagMs;
    },
    turnsAway(priority) {
      if (priority === "health") return false;
      const { lagMs, maxRunning } = settings;
      return lag > lagMs * lagFactor[priority] || running > maxRunning * runningShare[priority];
    },
    update(changed) {
      settings = changed;
    },
    get running() {
      return running;
    },
    get lagMs() {
      return lag;
    },
  };
}

const lookEveryMs = 100;

/** Looks at the event loop ten times a second; keeps no process alive. Answers how to stop it. */
export function watchEventLoop(pressure: Pick<Pressure, "observe">, monotonic: () => number): () => void {
  let expected = monotonic() + lookEveryMs;
  const timer = setInterval(() => {
    const now = monotonic();
    pressure.observe(Math.max(0, now - expected));
    expected = now + lookEveryMs;
  }, lookEveryMs);
  timer.unref();
  return () => clearInterval(timer);
}
