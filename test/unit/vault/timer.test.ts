// A timer that may wait for longer than setTimeout can.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createTimer } from "../../../src/vault/timer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

const day = 86_400_000;

describe("a timer", () => {
  it("of 32 days runs after 32 days, once, and not at once", () => {
    const run = vi.fn();
    createTimer().start(32 * day, run);
    vi.advanceTimersByTime(32 * day - 1);
    expect(run).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(run).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(100 * day);
    expect(run).toHaveBeenCalledTimes(1);
  });

  it("that is started again forgets what was planned; stopped, it runs nothing, also between two halves of a long wait", () => {
    const [first, second] = [vi.fn(), vi.fn()];
    const timer = createTimer();
    timer.start(10, first);
    timer.start(60 * day, second);
    vi.advanceTimersByTime(30 * day);
    timer.stop();
    vi.advanceTimersByTime(60 * day);
    expect(first).not.toHaveBeenCalled();
    expect(second).not.toHaveBeenCalled();
  });
});
