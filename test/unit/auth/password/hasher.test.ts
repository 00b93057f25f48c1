// Real argon2id in the real lane. The package `argon2` (the reference implementation in C) is the independent verifier.
import { getPriority } from "node:os";
import argon2 from "argon2";
import { afterAll, describe, expect, it } from "vitest";
import { hardestCost, parseArgon2Phc } from "../../../../src/auth/domain/phc.ts";
import { createPasswordHasher, laneCount } from "../../../../src/auth/password/hasher.ts";
import { threadNiceness } from "../../../fixtures/threads.ts";

const cost = { memoryKib: 65_536, iterations: 3, parallelism: 2 };
const leastCost = { memoryKib: 256, iterations: 1, parallelism: 1 };
const hasher = createPasswordHasher({ cost, lanes: 1, queue: 64, niceness: 0 });
const quick = createPasswordHasher({ cost: leastCost, lanes: 1, queue: 2_000, niceness: 0 });
const { signal } = new AbortController();
const threadsAt = (niceness: number): number => threadNiceness(process.pid).filter((each) => each === niceness).length;

afterAll(() => Promise.all([hasher.close(), quick.close()]));

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

  it("PWD-20 stands back as far as it is told, and the main thread not at all", async () => {
    const before = [getPriority(), threadsAt(17)];
    const standingBack = createPasswordHasher({ cost: leastCost, lanes: 1, queue: 1, niceness: 17 });
    await standingBack.hash("x", signal);
    // Elsewhere there is only the niceness of the process, which stays.
    expect([getPriority(), threadsAt(17)]).toEqual([before[0], process.platform === "linux" ? 1 : 0]);
    await standingBack.close();
    expect([getPriority(), threadsAt(17)]).toEqual(before);
  });

  it("PWD-20 takes half of the cores, at least one, or what the setting says", () => {
    expect([laneCount(0, 1), laneCount(0, 2), laneCount(0, 7), laneCount(3, 64)]).toEqual([1, 1, 3, 3]);
  });
});
