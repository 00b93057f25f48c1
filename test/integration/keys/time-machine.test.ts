// Days of tokens, every two minutes, on replicas whose clocks differ: whatever was signed verifies until it expires, here, at
// the other replica, and at a stranger's who keeps an old copy of the keys.
import { afterAll, beforeAll, expect, it } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createSigningWorld, day, hour, minute, type Replica } from "./signing-world.ts";

let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

const input = Buffer.from("header.payload");
const tokenLife = 30 * minute;
const copyLife = 5 * minute;
const step = 2 * minute;

it("KEY-07 JWT-20 no token is refused for its key, through rotations and clocks that are 30 s apart", {
  // Fifteen hundred steps, each with two signatures of Vault's where the keys are there: 41 s beside busy processes.
  timeout: 300_000,
}, async () => {
  const world = createSigningWorld(database);
  const times = { rotationMs: 8 * hour, leadMs: 10 * minute };
  const replicas: Replica[] = [
    await world.replica({ times, skewMs: 15_000 }),
    await world.replica({ times, skewMs: -15_000 }),
  ];
  const issued: { readonly kid: string; readonly at: number }[] = [];
  const copies: { readonly kids: readonly string[]; readonly at: number }[] = [];
  const signers = new Set<string>();

  const start = world.clock.time;
  while (world.clock.time < start + 2 * day) {
    const now = world.clock.time;
    await replicas[(now / step) % 2]!.tend();
    for (const replica of replicas) {
      const { kid } = replica.keys.current();
      await replica.keys.sign(kid, input);
      issued.push({ kid, at: now });
      copies.push({ kids: replica.published(), at: now });
      signers.add(kid);
    }
    while (issued[0]!.at <= now - tokenLife) issued.shift();
    while (copies[0]!.at < now - copyLife) copies.shift();
    const live = new Set(issued.map(({ kid }) => kid));
    for (const replica of replicas) expect(replica.published()).toEqual(expect.arrayContaining([...live]));
    const [here, there] = replicas.map((replica) => replica.keys.current().kid);
    for (const { kids } of copies) {
      expect(kids).toContain(here);
      expect(kids).toContain(there);
    }
    world.clock.pass(step);
  }
  // One every eight hours, and no key that never signed but the one that waits.
  expect(signers.size).toBe(6);
  const all = await replicas[0]!.all();
  expect(all.length - signers.size).toBeLessThanOrEqual(1);
  expect(all.some(({ destroyedAt }) => destroyedAt !== undefined)).toBe(true);
  // Nothing is published for longer than it is of use.
  expect(replicas[0]!.published().length).toBeLessThanOrEqual(2);
});
