import { describe, expect, it } from "vitest";
import { createGrouping } from "../../../src/kernel/grouping.ts";

const turn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** Groups that end when the test says so. */
function heldGroups(lanes = 2, size = 3) {
  const begun: {
    items: readonly number[];
    end: (answers?: readonly string[]) => void;
    fail: (reason: unknown) => void;
  }[] = [];
  const grouping = createGrouping<number, string>({
    lanes,
    size,
    run: (items) =>
      new Promise((resolve, reject) => {
        begun.push({ items, end: (answers = items.map(String)) => resolve(answers), fail: reject });
      }),
  });
  return { grouping, begun };
}

describe("grouping", () => {
  it("sends together what was added in one turn, answers each its own, and lets a lone one go at once", async () => {
    const { grouping, begun } = heldGroups();
    const answers = [1, 2].map((item) => grouping.add(item));
    await turn();
    expect(begun.map(({ items }) => items)).toEqual([[1, 2]]);
    const alone = grouping.add(3);
    await turn();
    expect(begun[1]?.items).toEqual([3]);
    begun[1]?.end();
    begun[0]?.end(["one", "two"]);
    expect(await Promise.all([...answers, alone])).toEqual(["one", "two", "3"]);
  });

  it("lets the next group grow while all lanes are busy, up to its size, and sends it when one frees", async () => {
    const { grouping, begun } = heldGroups();
    const answers = [1, 2, 3, 4, 5, 6, 7, 8].map((item) => grouping.add(item));
    await turn();
    expect(begun.map(({ items }) => items)).toEqual([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    answers.push(grouping.add(9));
    await turn();
    expect([begun.length, grouping.waiting()]).toEqual([2, 3]);
    begun[0]?.end();
    await turn();
    expect(begun[2]?.items).toEqual([7, 8, 9]);
    for (const group of begun.slice(1)) group.end();
    expect(await Promise.all(answers)).toHaveLength(9);
  });

  it("rejects the group that failed and no other", async () => {
    const { grouping, begun } = heldGroups(2, 1);
    const settled = Promise.allSettled([grouping.add(1), grouping.add(2), grouping.add(3)]);
    await turn();
    begun[0]?.fail(new Error("lost"));
    begun[1]?.end();
    await turn();
    begun[2]?.end();
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "fulfilled", "fulfilled"]);
  });

  it("rejects a group that was answered with another number of answers, rather than give one the other's", async () => {
    const { grouping, begun } = heldGroups();
    const settled = Promise.allSettled([grouping.add(1), grouping.add(2)]);
    await turn();
    begun[0]?.end(["1"]);
    expect((await settled).map(({ status }) => status)).toEqual(["rejected", "rejected"]);
  });

  it("is idle when nothing waits and nothing is under way, however it ended", async () => {
    const { grouping, begun } = heldGroups(1, 1);
    await grouping.idle();
    const settled = Promise.allSettled([grouping.add(1), grouping.add(2)]);
    let idle = false;
    const whenIdle = grouping.idle().then(() => {
      idle = true;
    });
    await turn();
    begun[0]?.fail(new Error("lost"));
    await turn();
    expect(idle).toBe(false);
    begun[1]?.end();
    await settled;
    await whenIdle;
  });

  it("is not stopped by a run that throws at once", async () => {
    const grouping = createGrouping<number, string>({
      lanes: 1,
      size: 1,
      run: (items) => {
        if (items[0] === 1) throw new Error("at once");
        return Promise.resolve(["fine"]);
      },
    });
    await expect(grouping.add(1)).rejects.toThrow("at once");
    await expect(grouping.add(2)).resolves.toBe("fine");
  });
});
