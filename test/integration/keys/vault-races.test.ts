// Replicas that make signing keys in one real Vault at the same time: one key each time, in Vault and in the database.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import { openVaultHome } from "../../../src/keys/vault/open.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { vaultStartMs } from "../../fixtures/vault/servers.ts";
import { createSigningWorld, minute, type SigningWorld, times } from "./signing-world.ts";
import { startVaultWorld, type VaultWorld } from "./vault-world.ts";

let database: TestDatabase;
let vault: VaultWorld;
let world: SigningWorld;
beforeAll(async () => {
  database = await startTestDatabase({ poolSize: 20 });
  vault = await startVaultWorld();
}, vaultStartMs);
afterAll(async () => {
  await vault?.stop();
  await database.drop();
});
beforeEach(async () => {
  await database.asOwner("truncate signing_key, feed");
  const installationId = uuidv7(new Date());
  world = createSigningWorld(database, async () => {
    const home = await openVaultHome({ vault: vault.link(), installationId, mayCreate: true });
    return home.signing;
  });
});

const input = Buffer.from("header.payload");

describe("signing keys in Vault", () => {
  it("KEY-08 are one when replicas start together, 5 rounds", async () => {
    for (let round = 0; round < 5; round += 1) {
      await database.asOwner("truncate signing_key");
      const replicas = await Promise.all([world.replica(), world.replica(), world.replica()]);
      expect(new Set(replicas.map((replica) => replica.keys.current().kid)).size).toBe(1);
      expect(await replicas[0]!.all()).toHaveLength(1);
    }
  });

  it("KEY-08 are one when two replicas rotate at once, 20 rounds, and each signs", async () => {
    const [one, other] = [await world.replica(), await world.replica()];
    for (let round = 1; round <= 20; round += 1) {
      const done = await Promise.all([one.rotate(), other.rotate()]);
      expect(done.filter(({ made }) => made)).toHaveLength(1);
      expect(new Set(done.map(({ successor }) => successor?.kid)).size).toBe(1);
      expect(await one.all()).toHaveLength(round + 1);
      world.clock.pass(times.leadMs);
      const { kid } = one.keys.current();
      expect(other.keys.current().kid).toBe(kid);
      const signatures = await Promise.all([one, other].map((replica) => replica.keys.sign(kid, input)));
      expect(signatures.map(({ length }) => length)).toEqual([64, 64]);
    }
  });

  it("KEY-06 are replaced by one when two replicas say at once that one is stolen, 10 rounds", async () => {
    const [one, other] = [await world.replica(), await world.replica()];
    for (let round = 0; round < 10; round += 1) {
      const stolen = one.keys.current().kid;
      const done = await Promise.all([one.compromise(stolen), other.compromise(stolen)]);
      expect(done.filter(({ news }) => news)).toHaveLength(1);
      // Vault may have been too slow for them to wait: then the key is made when somebody needs one.
      await Promise.all([one, other].map((replica) => replica.keys.ready()));
      const { kid } = one.keys.current();
      expect(other.keys.current().kid).toBe(kid);
      expect(kid).not.toBe(stolen);
      expect((await other.keys.sign(kid, input)).length).toBe(64);
      expect(await one.all()).toHaveLength(round + 2);
      world.clock.pass(minute);
    }
  });
});
