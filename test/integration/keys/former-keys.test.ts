// Signing keys that a key file held in former times, changes of the home, and rows that somebody has tampered with.
import { generateKeyPairSync } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { newSigningKey } from "../../../src/keys/local/document.ts";
import type { FormerSigningKey } from "../../../src/keys/ports.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { otherHome } from "../../fixtures/key-home.ts";
import { localSigningHomes } from "../../fixtures/signing-homes.ts";
import { createSigningWorld, minute, type SigningWorld, times } from "./signing-world.ts";

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

describe("signing keys of former times", () => {
  let local: ReturnType<typeof localSigningHomes>;
  beforeEach(() => {
    local = localSigningHomes();
    world = createSigningWorld(database, local);
  });

  async function formerKey(signs: boolean): Promise<FormerSigningKey & { readonly kid: string }> {
    const made = await newSigningKey("ES256");
    return { key: local().adopt(made)!, createdAt: new Date(world.clock.time - 1_000_000), signs, kid: made.kid };
  }

  it("are taken over once, and sign and verify as before, so that no token dies", async () => {
    const [old, current] = [await formerKey(false), await formerKey(true)];
    const former = [old, current];
    const first = await world.replica({ former });
    expect(first.keys.current().kid).toBe(current.kid);
    expect((await first.keys.sign(current.kid, input)).length).toBe(64);
    expect(first.published().toSorted()).toEqual([old.kid, current.kid].toSorted());
    const again = await world.replica({ former });
    expect(await again.all()).toEqual(await first.all());
    expect(world.records.map(({ event, resources }) => [event, resources[0]?.uid])).toEqual([
      ["key.signing_taken_over", old.kid],
      ["key.signing_taken_over", current.kid],
    ]);
    world.clock.pass(times.tokenLifeMs);
    expect(again.published()).toEqual([current.kid]);
  });

  it("are taken over once by replicas that start together, and two files that differ give one signer", async () => {
    const [mine, theirs] = [await formerKey(true), await formerKey(true)];
    const replicas = await Promise.all([
      world.replica({ former: [mine] }),
      world.replica({ former: [mine] }),
      world.replica({ former: [theirs] }),
    ]);
    await Promise.all(replicas.map((replica) => replica.keys.caughtUp()));
    const all = await replicas[0]!.all();
    expect(all).toHaveLength(2);
    expect(all.filter(({ deactivatesAt }) => deactivatesAt === undefined)).toHaveLength(1);
    expect(new Set(replicas.map((replica) => replica.keys.current().kid)).size).toBe(1);
    for (const replica of replicas) expect(replica.published().toSorted()).toEqual([mine.kid, theirs.kid].toSorted());
  });
});

describe("signing keys of another home", () => {
  it("verify on and sign no more, and a new key of the home in force signs at once", async () => {
    const before = await world.replica();
    const old = before.keys.current().kid;
    const after = await world.replica({ home: otherHome });
    expect(after.keys.current().kid).not.toBe(old);
    expect(after.published()).toContain(old);
    await expect(after.keys.sign(old, input)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    world.clock.pass(times.tokenLifeMs);
    expect(after.published()).not.toContain(old);
  });
});

describe("rows that were tampered with", () => {
  it("JWT-21 KEY-04 a public key under another's name, or of another strength, verifies nothing", async () => {
    const replica = await world.replica();
    const { kid } = replica.keys.current();
    const stranger = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
    const { kty, crv, x, y } = stranger;
    await database.asOwner("update signing_key set public_jwk = $1", [JSON.stringify({ kty, crv, x, y })]);
    const fresh = await world.replica();
    expect(fresh.published()).not.toContain(kid);
    expect(fresh.logger.lines.some(({ level, fields }) => level === "error" && fields.kid === kid)).toBe(true);
    for (const jwk of [{ kty: "oct", k: "AAAA" }, { kty }, {}, { kty, crv: "P-384", x, y }]) {
      await database.asOwner("update signing_key set public_jwk = $1 where kid = $2", [JSON.stringify(jwk), kid]);
      await fresh.keys.caughtUp();
      expect(fresh.published()).not.toContain(kid);
    }
  });

  it("KEY-09 a private half moved to another row signs nothing", async () => {
    const replica = await world.replica();
    await replica.keys.ready("EdDSA");
    const { kid } = replica.keys.current("EdDSA");
    await database.asOwner(
      "update signing_key set handle = (select handle from signing_key where algorithm = 'ES256') where kid = $1",
      [kid],
    );
    const late = await world.replica();
    await expect(late.keys.sign(kid, input)).rejects.toThrow("of this home");
    world.clock.pass(minute);
  });

  it("SEC-04 the application can change no name, number or public half of a key, and delete none", async () => {
    await world.replica();
    const tries = [
      "update signing_key set kid = repeat('A', 43)",
      "update signing_key set public_jwk = '{}'",
      "update signing_key set algorithm = 'EdDSA'",
      "update signing_key set number = 7",
      "update signing_key set created_at = $1",
      "delete from signing_key",
      "truncate signing_key",
    ];
    for (const text of tries) {
      const attempt = database.transact((tx) =>
        tx.rows({ name: `test.${text}`.slice(0, 60), text }, text.includes("$1") ? [new Date(0)] : []),
      );
      await expect(attempt, text).rejects.toMatchObject({ cause: { code: "42501" } });
    }
  });
});
