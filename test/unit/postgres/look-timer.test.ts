// When the feed is looked at: by the clock, and sooner when somebody says that there is something new.
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { createLookTimer } from "../../../src/postgres/look-timer.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

function createWorld() {
  const world = {
    looks: 0,
    /** Undefined = looks end at once. */
    busy: undefined as PromiseWithResolvers<void> | undefined,
    timer: createLookTimer({
      intervalMs: 250,
      look: async () => {
        world.looks += 1;
        await world.busy?.promise;
      },
    }),
  };
  return world;
}

describe("createLookTimer", () => {
  it("looks by the clock, from the end of one look to the beginning of the next", async () => {
    const world = createWorld();
    world.timer.start();
    await vi.advanceTimersByTimeAsync(249);
    expect(world.looks).toBe(0);
    await vi.advanceTimersByTimeAsync(501);
    expect(world.looks).toBe(3);
    world.timer.stop();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.looks).toBe(3);
  });

  it("looks within milliseconds of a hint, and goes on by the clock", async () => {
    const world = createWorld();
    world.timer.start();
    world.timer.hurry();
    await vi.advanceTimersByTimeAsync(5);
    expect(world.looks).toBe(1);
    await vi.advanceTimersByTimeAsync(249);
    expect(world.looks).toBe(1);
    await vi.advanceTimersByTimeAsync(1);
    expect(world.looks).toBe(2);
  });

  it("looks once more after a look during which a hint came, since it may be about what that one did not see", async () => {
    const world = createWorld();
    world.busy = Promise.withResolvers();
    world.timer.start();
    await vi.advanceTimersByTimeAsync(250);
    world.timer.hurry();
    world.busy.resolve();
    world.busy = undefined;
    await vi.advanceTimersByTimeAsync(5);
    expect(world.looks).toBe(2);
  });

  it("is neither starved nor driven by a flood of hints", async () => {
    const world = createWorld();
    world.timer.start();
    for (let n = 0; n < 1_000; n += 1) {
      world.timer.hurry();
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(world.looks).toBeGreaterThan(100);
    expect(world.looks).toBeLessThanOrEqual(200);
  });

  it("does nothing before it is started or after it was stopped", async () => {
    const world = createWorld();
    world.timer.hurry();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.looks).toBe(0);
    world.timer.start();
    world.timer.stop();
    world.timer.hurry();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(world.looks).toBe(0);
  });
});
