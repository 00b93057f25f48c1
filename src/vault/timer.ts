// One timer that can wait longer than 24.8 days: setTimeout overflows there and fires at once, which made a client of
// Vault renew its 32-day token in a hot loop.

export interface Timer {
  /** In place of what was planned before. */
  start(ms: number, run: () => void): void;
  stop(): void;
}

const longest = 2 ** 31 - 1;

export function createTimer(): Timer {
  let timer: NodeJS.Timeout | undefined;

  function start(ms: number, run: () => void): void {
    clearTimeout(timer);
    const next = ms <= longest ? run : () => start(ms - longest, run);
    timer = setTimeout(next, Math.min(ms, longest)).unref();
  }

  return { start, stop: () => clearTimeout(timer) };
}
