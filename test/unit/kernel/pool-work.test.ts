// Jobs leave together, and each settles by itself.
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { createPoolWork, type Done } from "../../../src/kernel/pool-work.ts";

/** Jobs that end when they are told to. */
function createJobs() {
  const begun: string[] = [];
  const ends = new Map<string, Done<string>>();
  const job = (name: string) => (done: Done<string>) => {
    begun.push(name);
    ends.set(name, done);
  };
  const end = (name: string) => ends.get(name)?.(null, name);
  const fail = (name: string) => ends.get(name)?.(new Error(name), "");
  return { begun, job, end, fail };
}

describe("work for the pool", () => {
  it("of one turn leaves together", async () => {
    const [work, { begun, job }] = [createPoolWork<string>(), createJobs()];
    for (const name of ["a", "b", "c"]) void work(job(name));
    expect(begun).toEqual([]);
    await turn();
    expect(begun).toEqual(["a", "b", "c"]);
  });

  it("settles each as it settles, without waiting for those that left with it", async () => {
    const [work, { job, end, fail }] = [createPoolWork<string>(), createJobs()];
    const [slow, quick, broken] = [work(job("slow")), work(job("quick")), work(job("broken"))];
    await turn();
    end("quick");
    expect(await quick).toBe("quick");
    fail("broken");
    await expect(broken).rejects.toThrow("broken");
    end("slow");
    expect(await slow).toBe("slow");
  });

  it("that comes while enough is under way waits until the pool would run dry, and then leaves with all that came", async () => {
    const [work, { begun, job, end }] = [createPoolWork<string>(), createJobs()];
    const first = Array.from({ length: 24 }, (_, index) => `first ${index}`);
    for (const name of first) void work(job(name));
    await turn();
    void work(job("later"));
    void work(job("last"));
    await turn();
    expect(begun).toEqual(first);
    for (const name of first) end(name);
    await turn();
    expect(begun).toEqual([...first, "later", "last"]);
  });

  it("goes on after jobs that failed or could not begin", async () => {
    const [work, { begun, job }] = [createPoolWork<string>(), createJobs()];
    const impossible = Array.from({ length: 24 }, () =>
      work(() => {
        throw new Error("no key");
      }),
    );
    for (const one of impossible) await expect(one).rejects.toThrow("no key");
    void work(job("next"));
    await turn();
    expect(begun).toEqual(["next"]);
  });
});
