// The bounded lane in front of worker threads.
import { afterEach, describe, expect, it, vi } from "vitest";
import { createLane, type Lane } from "../../../../src/auth/password/lane.ts";
import { GatehouseError } from "../../../../src/kernel/errors.ts";

const script = new URL("./scripted-worker.ts", import.meta.url);
const lanes: Lane[] = [];

function laneOf(options: { readonly workers?: number; readonly queue?: number; readonly idleMs?: number } = {}): Lane {
  const { workers = 1, queue = 64, idleMs } = options;
  const lane = createLane({
    script,
    workers,
    queue,
    heapMb: 32,
    manners: { niceness: 0 },
    idleMs,
  });
  lanes.push(lane);
  return lane;
}

const cell = () => new Int32Array(new SharedArrayBuffer(4));
const bytes = (text: string) => new TextEncoder().encode(text);
const patient = () => new AbortController().signal;

function open(gate: Int32Array): void {
  Atomics.store(gate, 0, 1);
  Atomics.notify(gate, 0);
}

/** A job that stands at the gate, and the promise that it got there. */
async function standing(lane: Lane, gate: Int32Array, signal = patient()) {
  const arrived = cell();
  const result = lane.run({ secret: bytes("held"), parameters: { does: "answer", gate, arrived } }, signal);
  result.catch(() => {});
  await Atomics.waitAsync(arrived, 0, 0).value;
  return { result };
}

const answer = (lane: Lane, text: string, signal = patient()) =>
  lane.run({ secret: bytes(text), parameters: { does: "answer" } }, signal);

afterEach(async () => {
  await Promise.all(lanes.splice(0).map((lane) => lane.close()));
});

describe("the lane", () => {
  it("answers in order, with as many workers as it was given", async () => {
    const lane = laneOf({ workers: 2 });
    const texts = Array.from({ length: 20 }, (_, number) => `job ${number}`);
    expect(await Promise.all(texts.map((text) => answer(lane, text)))).toEqual(texts);
  });

  it("PWD-20 T-08 runs no more jobs at once than it has workers", async () => {
    const lane = laneOf({ workers: 2 });
    const gate = cell();
    const arrived = cell();
    const job = () => lane.run({ secret: bytes("x"), parameters: { does: "answer", gate, arrived } }, patient());
    const jobs = Array.from({ length: 10 }, job);
    while (Atomics.load(arrived, 0) < 2) await Atomics.waitAsync(arrived, 0, Atomics.load(arrived, 0)).value;
    expect(Atomics.load(arrived, 0)).toBe(2);
    open(gate);
    await Promise.all(jobs);
    expect(Atomics.load(arrived, 0)).toBe(10);
  });

  it("PWD-20 refuses what does not fit, with the time to come back", async () => {
    const lane = laneOf({ queue: 3 });
    const gate = cell();
    const { result } = await standing(lane, gate);
    const waiting = [answer(lane, "a"), answer(lane, "b"), answer(lane, "c")];
    const flood = await Promise.allSettled(Array.from({ length: 200 }, () => answer(lane, "d")));
    for (const refused of flood) {
      expect(refused).toMatchObject({ status: "rejected", reason: { reason: "LOGIN_BUSY", code: 8 } });
      expect(((refused as PromiseRejectedResult).reason as GatehouseError).retryAfterMs).toBeGreaterThanOrEqual(100);
    }
    open(gate);
    await result;
    expect(await Promise.all(waiting)).toEqual(["a", "b", "c"]);
    expect(await answer(lane, "again")).toBe("again");
  });

  it("RPC-05 drops a waiting job when its caller goes away, and makes room", async () => {
    const lane = laneOf({ queue: 1 });
    const gate = cell();
    const { result } = await standing(lane, gate);
    const caller = new AbortController();
    const secret = bytes("never hashed");
    const arrived = cell();
    const dropped = lane.run({ secret, parameters: { does: "answer", arrived } }, caller.signal);
    caller.abort(new GatehouseError("DEADLINE_EXCEEDED"));
    await expect(dropped).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(secret.every((byte) => byte === 0)).toBe(true);
    const next = answer(lane, "next");
    open(gate);
    expect([await result, await next]).toEqual(["held", "next"]);
    expect(Atomics.load(arrived, 0)).toBe(0);
  });

  it("RPC-05 lets the caller of a running job go at once, and goes on afterwards", async () => {
    const lane = laneOf();
    const gate = cell();
    const caller = new AbortController();
    const { result } = await standing(lane, gate, caller.signal);
    caller.abort();
    await expect(result).rejects.toMatchObject({ reason: "CANCELLED" });
    open(gate);
    expect(await answer(lane, "next")).toBe("next");
  });

  it("RPC-05 does not begin for a caller who is gone already", async () => {
    const secret = bytes("x");
    const signal = AbortSignal.abort(new GatehouseError("CANCELLED"));
    await expect(laneOf().run({ secret, parameters: { does: "answer" } }, signal)).rejects.toMatchObject({
      reason: "CANCELLED",
    });
    expect(secret[0]).toBe(0);
  });

  it.each(["die", "exit", "fail"] as const)("survives a worker told to %s", async (does) => {
    const lane = laneOf();
    const broken = lane.run({ secret: bytes("x"), parameters: { does } }, patient());
    const next = answer(lane, "next");
    await expect(broken).rejects.toMatchObject({ reason: "INTERNAL", message: "internal error" });
    expect(await next).toBe("next");
  });

  it("gives secrets away instead of copying them", async () => {
    const secret = bytes("x");
    await laneOf().run({ secret, parameters: { does: "answer" } }, patient());
    expect(secret.byteLength).toBe(0);
  });

  it("lets an idle worker go where that is asked for, and starts another", async () => {
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    const identify = (lane: Lane) => lane.run({ secret: bytes("x"), parameters: { does: "identify" } }, patient());
    const [brief, lasting] = [laneOf({ idleMs: 60_000 }), laneOf()];
    const before = [await identify(brief), await identify(lasting)];
    vi.advanceTimersByTime(59_999);
    expect(await identify(brief)).toBe(before[0]);
    vi.advanceTimersByTime(60_000);
    expect(await identify(brief)).not.toBe(before[0]);
    expect(await identify(lasting)).toBe(before[1]);
    vi.useRealTimers();
  });

  it("finishes what it accepted when it closes, and takes nothing more", async () => {
    const lane = laneOf();
    const gate = cell();
    const { result } = await standing(lane, gate);
    const waiting = answer(lane, "waiting");
    const closing = lane.close();
    await expect(answer(lane, "late")).rejects.toMatchObject({ reason: "DRAINING" });
    open(gate);
    await closing;
    expect([await result, await waiting]).toEqual(["held", "waiting"]);
  });
});
