// When to look at the feed: again and again, and at once when somebody says that there is something new.

export interface LookTimer {
  start(): void;
  /** However many hints come, looks are some milliseconds apart. */
  hurry(): void;
  stop(): void;
}

/** Looks that hints ask for are at least this far apart. */
const hurriedMs = 5;

export function createLookTimer(deps: {
  readonly intervalMs: number;
  /** Never rejects. */
  readonly look: () => Promise<void>;
}): LookTimer {
  const { intervalMs, look } = deps;
  let timer: NodeJS.Timeout | undefined;
  let hurried = false;
  let stopped = false;

  function schedule(afterMs: number): void {
    if (stopped) return;
    clearTimeout(timer);
    timer = setTimeout(() => {
      timer = undefined;
      // A hint from now on may be about what the look that begins does not see any more.
      hurried = false;
      void look().finally(() => schedule(hurried ? hurriedMs : intervalMs));
    }, afterMs).unref();
  }

  return {
    start: () => schedule(intervalMs),
    hurry() {
      if (hurried) return;
      hurried = true;
      // Otherwise a look is under way, or nobody has started yet.
      if (timer !== undefined) schedule(Math.min(hurriedMs, intervalMs));
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
    },
  };
}
