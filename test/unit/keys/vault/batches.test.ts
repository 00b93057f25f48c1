import { describe, expect, it, onTestFinished, vi } from "vitest";
import { KeyHomeUnavailable } from "../../../../src/keys/ports.ts";
import { type BatchesDeps, createBatches } from "../../../../src/keys/vault/batches.ts";

interface Word {
  readonly text: string;
}

interface Call {
  readonly items: readonly string[];
  readonly answer: (answers?: readonly (Word | Error)[]) => void;
  readonly fail: (error: Error) => void;
}

function world(more: Partial<BatchesDeps<string, Word>> = {}) {
  const calls: Call[] = [];
  const sizes: number[] = [];
  let called = Promise.withResolvers<void>();
  const batches = createBatches<string, Word>({
    operation: "sign",
    deadlineMs: 10_000,
    onBatch: (_, size) => void sizes.push(size),
    run: (items) => {
      const { promise, resolve, reject } = Promise.withResolvers<readonly (Word | Error)[]>();
      const echo = () => items.map((text) => ({ text }));
      calls.push({ items, answer: (answers = echo()) => resolve(answers), fail: reject });
      called.resolve();
      called = Promise.withResolvers();
      return promise;
    },
    ...more,
  });
  const untilCalls = async (count: number) => {
    while (calls.length < count) await called.promise;
  };
  return { batches, calls, sizes, untilCalls };
}

describe("createBatches", () => {
  it("sends at most two of 32 at once, and what came meanwhile as one more", async () => {
    const { batches, calls, sizes, untilCalls } = world();
    const answers = Array.from({ length: 70 }, (_, at) => batches.add(`${at}`));
    await untilCalls(2);
    expect(sizes).toEqual([32, 32]);
    answers.push(batches.add("later"));
    calls[0]?.answer();
    await untilCalls(3);
    expect(calls[2]?.items).toEqual(["64", "65", "66", "67", "68", "69", "later"]);
    calls[1]?.answer();
    calls[2]?.answer();
    const texts = (await Promise.all(answers)).map(({ text }) => text);
    expect(texts).toEqual([...Array.from({ length: 70 }, (_, at) => `${at}`), "later"]);
  });

  it("sends a lone one at once, without a timer", async () => {
    const { batches, calls, untilCalls } = world();
    const answer = batches.add("lone");
    await untilCalls(1);
    calls[0]?.answer();
    expect(await answer).toEqual({ text: "lone" });
  });

  it("SEC-07 answers by the deadline whoever waits in line, and leaves them out of the next batch", async () => {
    // Beside busy processes a real deadline may be over before the first batch has left.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const { batches, calls, sizes, untilCalls } = world({ deadlineMs: 50 });
    const stuck = Promise.allSettled(Array.from({ length: 66 }, (_, at) => batches.add(`${at}`)));
    await untilCalls(2);
    vi.advanceTimersByTime(50);
    const settled = await stuck;
    expect(settled.every((one) => one.status === "rejected" && one.reason instanceof KeyHomeUnavailable)).toBe(true);
    const fresh = batches.add("fresh");
    calls[0]?.answer();
    calls[1]?.answer();
    await untilCalls(3);
    expect(calls[2]?.items).toEqual(["fresh"]);
    calls[2]?.answer();
    expect(await fresh).toEqual({ text: "fresh" });
    expect(sizes).toEqual([32, 32, 1]);
  });

  it("gives each of a batch its own failure, or all of them the batch's", async () => {
    const { batches, calls, untilCalls } = world();
    const [first, second] = [batches.add("a"), batches.add("b")];
    await untilCalls(1);
    calls[0]?.answer([{ text: "a" }, new Error("not this one")]);
    expect(await first).toEqual({ text: "a" });
    await expect(second).rejects.toThrow("not this one");
    const both = [batches.add("c"), batches.add("d")];
    await untilCalls(2);
    calls[1]?.fail(new Error("none"));
    for (const one of both) await expect(one).rejects.toThrow("none");
  });

  it("believes no batch that is answered with another number of answers", async () => {
    const { batches, calls, untilCalls } = world();
    const both = [batches.add("a"), batches.add("b")];
    await untilCalls(1);
    calls[0]?.answer([{ text: "a" }]);
    for (const one of both) await expect(one).rejects.toBeInstanceOf(KeyHomeUnavailable);
  });

  it("refuses at once what is beyond the backlog, and takes more when there is room", async () => {
    const { batches, calls, untilCalls } = world({ backlog: 2 });
    const two = [batches.add("a"), batches.add("b")];
    await expect(batches.add("c")).rejects.toThrow("too many wait");
    await untilCalls(1);
    calls[0]?.answer();
    await Promise.all(two);
    const next = batches.add("d");
    await untilCalls(2);
    calls[1]?.answer();
    expect(await next).toEqual({ text: "d" });
  });
});
