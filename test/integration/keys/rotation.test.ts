// A signing key's life on a real database, with the clock in the test's hand: published, signing, verifying, gone.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Reader } from "../../../src/kernel/database.ts";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { localSigningHomes } from "../../fixtures/signing-homes.ts";
import { createSigningWorld, day, hour, minute, type Replica, type SigningWorld, times } from "./signing-world.ts";

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

describe("rotation of signing keys", () => {
  it("KEY-07 JWT-20 publishes a key before it signs, then signs with it, then keeps the old one until its last token has expired", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const old = replica.keys.current().kid;
    const { successor, made } = await replica.rotate();
    expect(made).toBe(true);
    const next = successor!.kid;

    expect(replica.published().toSorted()).toEqual([old, next].toSorted());
    expect(replica.keys.current().kid).toBe(old);
    await expect(replica.keys.sign(next, input)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    clock.pass(times.leadMs - 1);
    expect(replica.keys.current().kid).toBe(old);
    clock.pass(1);
    expect(replica.keys.current().kid).toBe(next);
    expect((await replica.keys.sign(next, input)).length).toBe(64);
    expect(replica.published()).toContain(old);
    // The last header that named the old key was written a moment ago; later ones never do.
    expect((await replica.keys.sign(old, input)).length).toBe(64);
    clock.pass(minute);
    await expect(replica.keys.sign(old, input)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    clock.pass(times.tokenLifeMs - minute - 1);
    expect(replica.published()).toContain(old);
    clock.pass(1);
    expect(replica.published()).toEqual([next]);
  });

  it("KEY-06 tells the state of a key from its row and the instant alone", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const first = replica.keys.current().kid;
    const { successor } = await replica.rotate();
    const states = async () =>
      new Map((await replica.all()).map((key) => [key.kid, replica.keys.stateOf(key, clock.now())]));
    expect(await states()).toEqual(
      new Map([
        [successor!.kid, "pre_activation"],
        [first, "active"],
      ]),
    );
    clock.pass(times.leadMs);
    expect(await states()).toEqual(
      new Map([
        [successor!.kid, "active"],
        [first, "deactivated"],
      ]),
    );
    clock.pass(times.tokenLifeMs + day);
    await replica.tend();
    expect(await states()).toEqual(
      new Map([
        [successor!.kid, "active"],
        [first, "destroyed"],
      ]),
    );
  });

  it("answers the key that waits already instead of making one more", async () => {
    const replica = await world.replica();
    const first = await replica.rotate();
    const again = await replica.rotate();
    expect([first.made, again.made]).toEqual([true, false]);
    expect(again.successor?.kid).toBe(first.successor?.kid);
    expect(await replica.all()).toHaveLength(2);
    world.clock.pass(times.leadMs);
    expect((await replica.rotate()).made).toBe(true);
  });

  it("KEY-08 T-07 J-10 rotates on schedule, early enough for the lead, in time and once, whoever is first", async () => {
    const { clock } = world;
    const replicas = [await world.replica(), await world.replica()];
    const first = replicas[0]!.keys.current().kid;
    clock.pass(90 * day - times.leadMs - 1);
    for (const replica of replicas) await replica.tend();
    expect(await replicas[0]!.all()).toHaveLength(1);
    clock.pass(1);
    await Promise.all(replicas.map((replica) => replica.tend()));
    expect(await replicas[0]!.all()).toHaveLength(2);
    for (const replica of replicas) expect(replica.keys.current().kid).toBe(first);
    clock.pass(times.leadMs);
    const second = new Set(replicas.map((replica) => replica.keys.current().kid));
    expect(second.size).toBe(1);
    expect(second).not.toContain(first);
    expect(world.records.map(({ event }) => event)).toEqual(["key.signing_created", "key.signing_rotated"]);
  });

  it("never rotates by itself when that is off", async () => {
    const replica = await world.replica({ times: { rotationMs: "off" } });
    world.clock.pass(3650 * day);
    await replica.tend();
    expect(await replica.all()).toHaveLength(1);
  });

  it("KEY-08 two replicas that rotate at once make one key, 20 rounds", async () => {
    const [one, other] = [await world.replica(), await world.replica()];
    for (let round = 1; round <= 20; round += 1) {
      const done = await Promise.all([one.rotate(), other.rotate()]);
      expect(done.filter(({ made }) => made)).toHaveLength(1);
      expect(new Set(done.map(({ successor }) => successor?.kid)).size).toBe(1);
      expect(await one.all()).toHaveLength(round + 1);
      world.clock.pass(times.leadMs);
      expect(one.keys.current()).toEqual(other.keys.current());
    }
    const numbers = (await one.all()).map(({ number }) => number);
    expect(numbers).toEqual(Array.from({ length: 21 }, (_, at) => 21 - at));
  });

  it("makes one first key when replicas start together, 10 rounds", async () => {
    for (let round = 0; round < 10; round += 1) {
      await database.asOwner("truncate signing_key");
      const replicas = await Promise.all([world.replica(), world.replica(), world.replica(), world.replica()]);
      expect(new Set(replicas.map((replica) => replica.keys.current().kid)).size).toBe(1);
      expect(await replicas[0]!.all()).toHaveLength(1);
    }
  });

  it("tells every replica through the feed, and one that heard nothing by the next look", async () => {
    const [one, other, deaf] = [await world.replica(), await world.replica(), await world.replica({ deaf: true })];
    const { successor } = await one.rotate();
    await expect.poll(() => other.published(), { timeout: 20_000 }).toContain(successor!.kid);
    expect(deaf.published()).not.toContain(successor!.kid);
    await deaf.tend();
    expect(deaf.published()).toContain(successor!.kid);
    expect(world.announced.filter(({ kind }) => kind === "signing_key").length).toBeGreaterThan(0);
  });

  it("looks once a second at most for keys that it does not know, however many strangers ask", async () => {
    const one = await world.replica();
    const deaf = await world.replica({ deaf: true });
    await one.rotate();
    await deaf.keys.lookAgain();
    expect(deaf.published()).toHaveLength(2);
    world.clock.pass(times.leadMs);
    await one.rotate();
    let reads = 0;
    const reader: Reader = {
      rows(...asked) {
        reads += 1;
        return database.reader.rows(...asked);
      },
    };
    const counted = createSigningWorld({ ...database, reader });
    const watched = await counted.replica({ deaf: true });
    reads = 0;
    for (let asked = 0; asked < 100; asked += 1) await watched.keys.lookAgain();
    await Promise.all(Array.from({ length: 100 }, () => watched.keys.lookAgain()));
    expect(reads).toBe(1);
    counted.clock.pass(1_000);
    await watched.keys.lookAgain();
    expect(reads).toBe(2);
  });

  it("makes a key for an algorithm when it is first asked for, which signs at once and turns over like the others", async () => {
    const { clock } = world;
    const [one, other] = [await world.replica(), await world.replica()];
    expect(() => one.keys.current("EdDSA")).toThrow("the keys cannot be reached");
    await Promise.all([one.keys.ready("EdDSA"), other.keys.ready("EdDSA")]);
    expect(one.keys.current("EdDSA")).toEqual(other.keys.current("EdDSA"));
    expect((await one.all()).filter(({ algorithm }) => algorithm === "EdDSA")).toHaveLength(1);
    expect(one.keys.current().algorithm).toBe("ES256");
    clock.pass(90 * day - times.leadMs);
    await one.tend();
    expect((await one.all()).filter(({ algorithm }) => algorithm === "EdDSA")).toHaveLength(2);
  });

  it("signs on with what it has while the home is away, and rotates when it is back", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const first = replica.keys.current().kid;
    replica.home.away = true;
    clock.pass(90 * day);
    await replica.tend();
    expect(replica.logger.lines.some(({ message }) => message.includes("tried again"))).toBe(true);
    expect(replica.keys.current().kid).toBe(first);
    await expect(replica.keys.sign(first, input)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    await expect(replica.keys.prepareRotation(undefined, clock.now())).rejects.toMatchObject({
      reason: "KEYS_UNAVAILABLE",
    });
    replica.home.away = false;
    await replica.tend();
    clock.pass(times.leadMs);
    expect(replica.keys.current().kid).not.toBe(first);
  });

  it("starts without the home when there is a key, and refuses to when there is none", async () => {
    await expect(world.replica({ away: true })).rejects.toThrow(
      new StartRefused("the key home makes no signing key, and without one no token can be signed"),
    );
    const { kid } = (await world.replica()).keys.current();
    expect((await world.replica({ away: true })).keys.current().kid).toBe(kid);
  });

  it("a replica whose clock is 25 s behind signs with a key that was made at once", async () => {
    await world.replica();
    world.clock.pass(-25_000);
    const behind = await world.replica();
    expect(await behind.all()).toHaveLength(1);
    expect((await behind.keys.sign(behind.keys.current().kid, input)).length).toBe(64);
  });
});

describe("destruction of signing keys", () => {
  it("KEY-06 is refused while a live token may rest on the key, by the rule and by the database", async () => {
    const { clock } = world;
    const replica = await world.replica();
    const first = replica.keys.current().kid;
    await replica.rotate();
    clock.pass(times.leadMs + times.tokenLifeMs - 1);
    await replica.tend();
    expect(replica.home.destroyed).toEqual([]);
    const destroy = (at: Date) =>
      database.asOwner("update signing_key set destroyed_at = $2, handle = null where kid = $1", [first, at]);
    await expect(destroy(clock.now())).rejects.toThrow(/violates check constraint/);
    clock.pass(day + 1);
    await replica.tend();
    expect(replica.home.destroyed).toHaveLength(1);
    const rows = await database.asOwner(
      "select handle, destroyed_at is not null as gone from signing_key where kid = $1",
      [first],
    );
    expect(rows).toEqual([{ handle: null, gone: true }]);
    expect(world.records.at(-1)).toMatchObject({
      event: "key.signing_destroyed",
      resources: [{ type: "signing_key", uid: first }],
    });
    await expect(
      database.asOwner("update signing_key set handle = 'x', destroyed_at = null where kid = $1", [first]),
    ).rejects.toThrow("never comes back");
    await replica.tend();
    expect(replica.home.destroyed).toHaveLength(1);
  });

  it("waits for the longest life of tokens that any replica knows", async () => {
    const { clock } = world;
    const brief = await world.replica();
    const longer = await world.replica({ times: { tokenLifeMs: 24 * hour } });
    const first = brief.keys.current().kid;
    await brief.rotate();
    await longer.keys.caughtUp();
    clock.pass(times.leadMs + times.tokenLifeMs);
    expect(brief.published()).not.toContain(first);
    expect(longer.published()).toContain(first);
    clock.pass(24 * hour - times.tokenLifeMs);
    expect(longer.published()).not.toContain(first);
  });

  const destroyed = async (replica: Replica) =>
    (await replica.all()).filter((key) => key.destroyedAt !== undefined).map(({ number }) => number);

  it("is tried again when the home was away", async () => {
    const replica = await world.replica();
    await replica.rotate();
    world.clock.pass(times.leadMs + times.tokenLifeMs + day);
    replica.home.away = true;
    await replica.tend();
    expect(await destroyed(replica)).toEqual([]);
    replica.home.away = false;
    await replica.tend();
    expect(await destroyed(replica)).toEqual([1]);
  });

  it("leaves keys in Vault where they are when the home is local; local ones go with their row", async () => {
    const own = createSigningWorld(database, localSigningHomes());
    const replica = await own.replica();
    await replica.rotate();
    own.clock.pass(times.leadMs + times.tokenLifeMs + day);
    const move = (home: string) => database.asOwner("update signing_key set home = $1 where number = 1", [home]);
    await move("vault");
    await replica.tend();
    expect(await destroyed(replica)).toEqual([]);
    await move("local");
    const inVault = await own.replica({ home: "vault" });
    await inVault.tend();
    expect(await destroyed(inVault)).toContain(1);
    expect(inVault.home.destroyed).toEqual([]);
  });
});
