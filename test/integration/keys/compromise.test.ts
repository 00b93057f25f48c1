// A stolen signing key: what it signed is dead everywhere, and another key signs at once, whatever else is going on.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { createSigningWorld, day, minute, type SigningWorld, times } from "./signing-world.ts";

let database: TestDatabase;
let world: SigningWorld;
beforeAll(async () => {
  database = await startTestDatabase({ poolSize: 20 });
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.asOwner("truncate signing_key, feed");
  world = createSigningWorld(database);
});

const input = Buffer.from("header.payload");

describe("compromise of a signing key", () => {
  it("KEY-06 T-07 J-10 ends the key on every replica at once, and another signs at once", async () => {
    const [one, other] = [await world.replica(), await world.replica()];
    const stolen = one.keys.current().kid;
    const { key, successor, made, news } = await one.compromise(stolen);
    expect([made, news]).toEqual([true, true]);
    expect(key.compromisedAt).toEqual(world.clock.now());
    for (const replica of [one, other]) {
      expect(replica.keys.compromised(stolen)).toBe(true);
      expect(replica.published()).not.toContain(stolen);
      await expect(replica.keys.sign(stolen, input)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
      await replica.keys.ready();
      expect(replica.keys.current().kid).toBe(successor?.kid);
      expect((await replica.keys.sign(replica.keys.current().kid, input)).length).toBe(64);
      expect(replica.logger.lines).toContainEqual({
        level: "warn",
        fields: { kid: stolen },
        message: "a signing key was compromised: what it signed is refused",
      });
    }
    expect(world.announced).toContainEqual(expect.objectContaining({ kind: "compromised_key", key: stolen }));
  });

  it("counts for a replica that starts later, and for one that was cut off as soon as it looks", async () => {
    const one = await world.replica();
    const deaf = await world.replica({ deaf: true });
    const stolen = one.keys.current().kid;
    const { successor } = await one.compromise(stolen);
    expect(deaf.keys.compromised(stolen)).toBe(false);
    await deaf.keys.lookAgain();
    expect(deaf.keys.compromised(stolen)).toBe(true);
    const late = await world.replica();
    expect(late.keys.compromised(stolen)).toBe(true);
    expect(late.published()).toEqual([successor?.kid]);
  });

  it("counts from the announcement on, when the rows cannot be read", async () => {
    const broken = { ...database, reader: { ...database.reader } };
    const cut = createSigningWorld(broken);
    const replica = await cut.replica({ deaf: true });
    const stolen = replica.keys.current().kid;
    broken.reader.rows = () => Promise.reject(new Error("no database"));
    Object.assign(broken.reader, { rows: () => Promise.reject(new Error("no database")) });
    replica.onFeed([{ kind: "compromised_key", key: stolen, expiresAt: new Date(cut.clock.time + day) }]);
    expect(replica.keys.compromised(stolen)).toBe(true);
    expect(replica.published()).toEqual([]);
    expect(() => replica.keys.current()).toThrow("the keys cannot be reached");
  });

  it("lets the key that was published to sign next sign at once: it is in the copies of the JWKS already", async () => {
    const replica = await world.replica();
    const stolen = replica.keys.current().kid;
    const { successor: waiting } = await replica.rotate();
    const { successor, made } = await replica.compromise(stolen);
    expect([successor?.kid, made]).toEqual([waiting?.kid, false]);
    expect(replica.keys.current().kid).toBe(waiting?.kid);
    expect(await replica.all()).toHaveLength(2);
  });

  it("lets the key before it sign on when the stolen one never signed, and rotates again when that is due", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const first = replica.keys.current().kid;
    clock.pass(90 * day - times.leadMs);
    await replica.tend();
    const waiting = (await replica.all()).find(({ kid }) => kid !== first)!;
    const { successor } = await replica.compromise(waiting.kid);
    expect(successor?.kid).toBe(first);
    clock.pass(times.leadMs);
    expect(replica.keys.current().kid).toBe(first);
    await replica.tend();
    clock.pass(times.leadMs);
    expect([first, waiting.kid]).not.toContain(replica.keys.current().kid);
    expect(replica.published()).toContain(first);
  });

  it("of a key that signs no more ends its tokens and changes nothing else", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const old = replica.keys.current().kid;
    await replica.rotate();
    clock.pass(times.leadMs + minute);
    const signer = replica.keys.current().kid;
    const { successor, made } = await replica.compromise(old);
    expect([successor?.kid, made]).toEqual([signer, false]);
    expect(replica.published()).toEqual([signer]);
  });

  it("works while the home is away: nothing signs until it answers, then a new key does by itself", async () => {
    const replica = await world.replica();
    const stolen = replica.keys.current().kid;
    replica.home.away = true;
    const { successor } = await replica.compromise(stolen);
    expect(successor).toBeUndefined();
    expect(replica.published()).toEqual([]);
    await expect(replica.keys.ready()).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    await replica.tend();
    expect(await replica.all()).toHaveLength(1);
    replica.home.away = false;
    await replica.tend();
    expect(replica.keys.current().kid).not.toBe(stolen);
    expect((await replica.keys.sign(replica.keys.current().kid, input)).length).toBe(64);
  });

  it("works when the home refuses to make a key, too", async () => {
    const replica = await world.replica();
    const stolen = replica.keys.current().kid;
    replica.home.refusing = new Error("permission denied");
    const { news, successor } = await replica.compromise(stolen);
    expect([news, successor]).toEqual([true, undefined]);
    expect(replica.keys.compromised(stolen)).toBe(true);
    expect(replica.logger.lines.some(({ message }) => message.includes("nothing signs until it does"))).toBe(true);
    replica.home.refusing = undefined;
    await replica.keys.ready();
    expect(replica.keys.current().kid).not.toBe(stolen);
  });

  it("waits a second at most for a home that does not answer", async () => {
    const replica = await world.replica({ patienceMs: undefined });
    const stolen = replica.keys.current().kid;
    const answer = Promise.withResolvers<void>();
    replica.home.waiting = answer.promise;
    const { news, successor } = await replica.compromise(stolen);
    expect([news, successor]).toEqual([true, undefined]);
    answer.resolve();
    await replica.keys.ready();
    expect(replica.keys.current().kid).not.toBe(stolen);
  });

  it("repeated makes the key that could not be made the first time", async () => {
    const replica = await world.replica();
    const stolen = replica.keys.current().kid;
    replica.home.away = true;
    expect((await replica.compromise(stolen)).successor).toBeUndefined();
    replica.home.away = false;
    const { news, made, successor } = await replica.compromise(stolen);
    expect([news, made]).toEqual([false, true]);
    expect(replica.keys.current().kid).toBe(successor?.kid);
  });

  it("repeated changes nothing, and stays as it is in the database", async () => {
    const replica = await world.replica();
    const stolen = replica.keys.current().kid;
    const first = await replica.compromise(stolen);
    world.clock.pass(minute);
    const again = await replica.compromise(stolen);
    expect(again).toMatchObject({ news: false, made: false, key: { compromisedAt: first.key.compromisedAt } });
    expect(again.successor?.kid).toBe(first.successor?.kid);
    expect(await replica.all()).toHaveLength(2);
    await expect(
      database.asOwner("update signing_key set compromised_at = null where kid = $1", [stolen]),
    ).rejects.toThrow("stays so");
  });

  it("is refused for a key that is unknown, or destroyed", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const old = replica.keys.current().kid;
    await expect(replica.compromise("A".repeat(43))).rejects.toMatchObject({ reason: "SIGNING_KEY_NOT_FOUND" });
    await expect(replica.compromise("x'; drop table signing_key; --")).rejects.toMatchObject({
      reason: "SIGNING_KEY_NOT_FOUND",
    });
    await replica.rotate();
    clock.pass(times.leadMs + times.tokenLifeMs + day);
    await replica.tend();
    await expect(replica.compromise(old)).rejects.toMatchObject({ reason: "SIGNING_KEY_DESTROYED" });
  });

  it("by two replicas at once, beside a rotation, leaves one key that signs, 20 rounds", async () => {
    const [one, other, third] = [await world.replica(), await world.replica(), await world.replica()];
    for (let round = 0; round < 20; round += 1) {
      const stolen = one.keys.current().kid;
      const done = await Promise.all([one.compromise(stolen), other.compromise(stolen), third.rotate()]);
      expect([done[0].news, done[1].news].filter(Boolean)).toHaveLength(1);
      const now = world.clock.now();
      const states = (await one.all()).map((key) => one.keys.stateOf(key, now));
      expect(states.filter((state) => state === "active")).toHaveLength(1);
      expect(states.filter((state) => state === "pre_activation").length).toBeLessThanOrEqual(1);
      await Promise.all([one, other, third].map((replica) => replica.keys.caughtUp()));
      expect(new Set([one, other, third].map((replica) => replica.keys.current().kid)).size).toBe(1);
      expect(one.keys.current().kid).not.toBe(stolen);
      world.clock.pass(times.leadMs + minute);
    }
  });

  it("destroys the private half once its last token would have expired", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const stolen = replica.keys.current().kid;
    await replica.compromise(stolen);
    clock.pass(times.tokenLifeMs + day);
    await replica.tend();
    const key = (await replica.all()).find(({ kid }) => kid === stolen)!;
    expect(replica.keys.stateOf(key, clock.now())).toBe("destroyed");
    expect(key.compromisedAt).toBeDefined();
    expect(replica.home.destroyed).toHaveLength(1);
  });
});
