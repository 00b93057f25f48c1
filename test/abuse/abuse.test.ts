// Each attack against the real server while somebody who behaves makes calls: none of those fails, the process lives, and
// when all is over it holds no connection more and no more memory than before.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { callAttacks } from "./call-attacks.ts";
import { frameAttacks } from "./frame-attacks.ts";
import { type Besieged, besiege, type Left } from "./server.ts";

const attacks = { ...frameAttacks, ...callAttacks };

let besieged: Besieged;

beforeAll(async () => {
  besieged = await besiege();
});
// What went wrong at the start has been told.
afterAll(() => (besieged as Besieged | undefined)?.[Symbol.asyncDispose]());

describe("a client that behaves, beside one that attacks with", () => {
  it.each(Object.keys(attacks))("%s", async (name) => {
    const { calls } = await besieged.during(async () => attacks[name]?.(besieged.target()));
    expect(calls).toBeGreaterThan(0);
    expect(besieged.faults()).toEqual([]);
  });
});

/** Of several collections the smallest of each: what is on its way out counts for nothing. */
async function leastLeft(): Promise<Left> {
  const counts = [await besieged.left(), await besieged.left(), await besieged.left()];
  const least = (of: keyof Left) => Math.min(...counts.map((count) => count[of]));
  return { used: least("used"), rss: least("rss"), sockets: least("sockets") };
}

/** A password that is being hashed when all is over holds its 64 MiB until it is done, and a busy machine hashes for seconds. */
const comesDown = { timeout: 60_000, interval: 500 } as const;

async function allAttacks(): Promise<void> {
  for (const attack of Object.values(attacks)) await attack(besieged.target());
}

it("RPC-06 all attacks once more leave the process alive, no socket more, and its memory within a tenth", async () => {
  await besieged.during(allAttacks);
  const before = await leastLeft();
  await besieged.during(allAttacks);
  const left = (of: keyof Left) => expect.poll(async () => (await leastLeft())[of], comesDown);
  await left("sockets").toBeLessThanOrEqual(before.sockets);
  await left("used").toBeLessThan(before.used * 1.1);
  await left("rss").toBeLessThan(before.rss * 1.1);
}, 400_000);
