// Real argon2id in the real lane. The package `argon2` (the reference implementation in C) is the independent verifier.
import { readdirSync, readFileSync } from "node:fs";
import { getPriority } from "node:os";
import argon2 from "argon2";
import { afterAll, describe, expect, it } from "vitest";
import { hardestCost, parseArgon2Phc } from "../../../../src/auth/domain/phc.ts";
import { createPasswordHasher, laneCount } from "../../../../src/auth/password/hasher.ts";

const cost = { memoryKib: 65_536, iterations: 3, parallelism: 2 };
const hasher = createPasswordHasher({ cost, lanes: 1, queue: 64 });
const quick = createPasswordHasher({ cost: { memoryKib: 256, iterations: 1, parallelism: 1 }, lanes: 1, queue: 2_000 });
const { signal } = new AbortController();

afterAll(() => Promise.all([hasher.close(), quick.close()]));

/** How many threads of this process have the lowest priority. */
function niceThreads(): number {
  if (process.platform !== "linux") return 0;
  const stats = readdirSync("/proc/self/task").map((task) => readFileSync(`/proc/self/task/${task}/stat`, "utf8"));
  // proc(5): niceness is the 17th field after the name, which ends with the last parenthesis.
  return stats.filter((stat) => stat.slice(stat.lastIndexOf(")")).split(" ")[17] === "19").length;
}

describe("hashing", () => {
  it("PWD-15 T-05 M-04 makes argon2id, m=65536, t=3, p=2, salt 16, tag 32", async () => {
    const phc = await hasher.hash("correct horse", signal);
    expect(phc).toMatch(/^\$argon2id\$v=19\$m=65536,t=3,p=2\$/);
    expect(parseArgon2Phc(phc, hardestCost)).toMatchObject({ saltBytes: 16, tagBytes: 32 });
    expect(await argon2.verify(phc, "correct horse")).toBe(true);
    expect(await argon2.verify(phc, "correct horsf")).toBe(false);
  });

  it("PWD-15 verifies what the reference implementation made", async () => {
    const phc = await argon2.hash("pass", { memoryCost: 19_456, timeCost: 2, parallelism: 1 });
    expect(await quick.verify(phc, "pass", signal)).toBe(true);
    expect(await quick.verify(phc, "Pass", signal)).toBe(false);
  });

  it("T-05 tells right, wrong and edge passwords apart", async () => {
    const long = "a".repeat(72);
    const phc = await quick.hash(`${long}b`, signal);
    expect(await quick.verify(phc, `${long}b`, signal)).toBe(true);
    for (const wrong of [long, `${long}c`, `${long}b `, ""]) expect(await quick.verify(phc, wrong, signal)).toBe(false);
  });

  it("PWD-04 minds what follows a NUL, and 1,024 bytes to the last", async () => {
    const nul = await quick.hash("abc\0def", signal);
    expect(await quick.verify(nul, "abc\0def", signal)).toBe(true);
    expect(await quick.verify(nul, "abc\0deg", signal)).toBe(false);
    expect(await quick.verify(nul, "abc", signal)).toBe(false);
    const full = "x".repeat(1_023);
    const longest = await quick.hash(`${full}y`, signal);
    expect(await quick.verify(longest, `${full}z`, signal)).toBe(false);
    expect(await quick.verify(longest, `${full}y`, signal)).toBe(true);
  });

  it("PWD-16 salts every hash anew", async () => {
    const hashes = await Promise.all(Array.from({ length: 1_000 }, () => quick.hash("same", signal)));
    expect(new Set(hashes.map((phc) => phc.split("$")[4])).size).toBe(1_000);
  });

  it("PWD-20 works at the lowest priority, and leaves that of the main thread alone", async () => {
    await quick.hash("x", signal);
    // Linux keeps a niceness for each thread; elsewhere there is only that of the process, which stays.
    expect([getPriority(), niceThreads() > 0]).toEqual([0, process.platform === "linux"]);
  });

  it("PWD-20 takes half of the cores, at least one, or what the setting says", () => {
    expect([laneCount(0, 1), laneCount(0, 2), laneCount(0, 7), laneCount(3, 64)]).toEqual([1, 1, 3, 3]);
  });
});
