// The cache's rules, each with the failure that it prevents.
import { describe, expect, it, vi } from "vitest";
import { createDataKeyCache } from "../../../src/keys/data-key-cache.ts";
import { KeyHomeUnavailable } from "../../../src/keys/ports.ts";
import { cacheDeps, settableClock } from "./doubles.ts";

const read = (key: Buffer) => key.toString();
const named = (text: string) => vi.fn(async () => Buffer.from(text));

function setup(changes: Parameters<typeof cacheDeps>[1] = {}) {
  const clock = settableClock();
  return { clock, cache: createDataKeyCache(cacheDeps(clock, changes)) };
}

describe("data key cache", () => {
  it("loads a key once and serves it until its age is over", async () => {
    const { clock, cache } = setup();
    const load = named("k");
    await cache.use("a", load, read);
    clock.time += 999;
    expect(await cache.use("a", load, read)).toBe("k");
    expect(load).toHaveBeenCalledTimes(1);
    clock.time += 1;
    await cache.use("a", load, read);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it("asks again after the maximum of messages, and counts those who waited", async () => {
    const { cache } = setup({ maxMessages: 3 });
    const load = named("k");
    await Promise.all([1, 2, 3].map(() => cache.use("a", load, read)));
    expect(load).toHaveBeenCalledTimes(1);
    await cache.use("a", load, read);
    expect(load).toHaveBeenCalledTimes(2);
  });

  it("loads once for all who ask at the same time, and fails all of them together, then tries anew", async () => {
    const { cache } = setup();
    const load = vi.fn(async (): Promise<Buffer> => Promise.reject(new Error("no")));
    const results = await Promise.allSettled([1, 2, 3].map(() => cache.use("a", load, read)));
    expect(results.map((result) => result.status)).toEqual(["rejected", "rejected", "rejected"]);
    expect(load).toHaveBeenCalledTimes(1);
    expect(await cache.use("a", named("k"), read)).toBe("k");
  });

  it("survives a load that throws at once", async () => {
    const { cache } = setup();
    const load = () => {
      throw new Error("at once");
    };
    await expect(cache.use("a", load, read)).rejects.toThrow("at once");
    expect(await cache.use("a", named("k"), read)).toBe("k");
  });

  it("serves an old key while the home is unreachable, says so, tries again after a pause, and stops at the bound", async () => {
    const onStale = vi.fn();
    const { clock, cache } = setup({ onStale });
    const down = vi.fn(async (): Promise<Buffer> => Promise.reject(new KeyHomeUnavailable("down")));
    await cache.use("a", named("k"), read);
    clock.time += 1000;
    expect(await cache.use("a", down, read)).toBe("k");
    expect(await cache.use("a", down, read)).toBe("k");
    expect(down).toHaveBeenCalledTimes(1);
    clock.time += 100;
    expect(await cache.use("a", down, read)).toBe("k");
    expect(down).toHaveBeenCalledTimes(2);
    expect(onStale).toHaveBeenCalledTimes(2);
    clock.time += 4900;
    await expect(cache.use("a", down, read)).rejects.toBeInstanceOf(KeyHomeUnavailable);
  });

  it("ends an old key at once when the home refuses, even if the home is unreachable afterwards", async () => {
    const { clock, cache } = setup();
    const key = Buffer.from("k");
    await cache.use("a", async () => key, read);
    clock.time += 1000;
    await expect(cache.use("a", () => Promise.reject(new Error("denied")), read)).rejects.toThrow("denied");
    expect(key).toEqual(Buffer.from([0]));
    await expect(cache.use("a", () => Promise.reject(new KeyHomeUnavailable("down")), read)).rejects.toThrow("down");
  });

  it("does not serve an old key beyond its messages, even when the home is unreachable", async () => {
    const { cache } = setup({ maxMessages: 1 });
    await cache.use("a", named("k"), read);
    await expect(cache.use("a", () => Promise.reject(new KeyHomeUnavailable("down")), read)).rejects.toThrow("down");
  });

  it("asks the home when the clock was set back, since the age is then unknown", async () => {
    const { clock, cache } = setup();
    await cache.use("a", named("old"), read);
    clock.time -= 1;
    expect(await cache.use("a", named("new"), read)).toBe("new");
  });

  it("SEC-08 erases what leaves: the oldest when there are too many, the outlived, all at the end", async () => {
    const { clock, cache } = setup({ maxEntries: 2 });
    const keys = ["a", "b", "c", "d"].map((name) => ({ name, key: Buffer.from(name) }));
    const erased = () => keys.filter(({ key }) => key[0] === 0).map(({ name }) => name);
    for (const { name, key } of keys.slice(0, 3)) await cache.use(name, async () => key, read);
    expect(erased()).toEqual(["a"]);
    clock.time += 6000;
    await cache.use("d", async () => keys[3]!.key, read);
    expect(erased()).toEqual(["a", "b", "c"]);
    cache.clear();
    expect(erased()).toEqual(["a", "b", "c", "d"]);
  });

  it("SEC-08 never hands out an erased key: what leaves while callers wait is erased after the last of them", async () => {
    const { cache } = setup({ maxEntries: 1 });
    const key = Buffer.from("k");
    const waiting = [1, 2, 3].map(() => cache.use("a", async () => key, read));
    const pushing = ["b", "c", "d"].map((name) => cache.use(name, named(name), read));
    expect(await Promise.all(waiting)).toEqual(["k", "k", "k"]);
    expect(await Promise.all(pushing)).toEqual(["b", "c", "d"]);
    expect(key).toEqual(Buffer.from([0]));
  });

  it("SEC-08 never hands out an erased key when it is cleared or replaced in the middle of a load", async () => {
    const { cache } = setup();
    let land: (key: Buffer) => void = () => undefined;
    const waiting = cache.use("a", () => new Promise<Buffer>((resolve) => (land = resolve)), read);
    await Promise.resolve();
    cache.put("a", Buffer.from("put"));
    cache.clear();
    land(Buffer.from("k"));
    expect(await waiting).toBe("k");
  });

  it("releases a key when the work throws", async () => {
    const { cache } = setup();
    const key = Buffer.from("k");
    const work = () => {
      throw new Error("work");
    };
    await expect(cache.use("a", async () => key, work)).rejects.toThrow("work");
    cache.clear();
    expect(key).toEqual(Buffer.from([0]));
  });
});
