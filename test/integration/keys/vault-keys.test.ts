// The keys of an installation in a real Vault and a real database: first start, replicas that start together, restart, a dump,
// a Vault in trouble while keys are in use, and what a wrong home says.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { openKeys } from "../../../src/keys/open.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { signingKeyTimes } from "../../fixtures/signing-keys.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { vaultStartMs } from "../../fixtures/vault/servers.ts";
import { until } from "../vault/opened.ts";
import { startVaultWorld, type VaultWorld } from "./vault-world.ts";

const principalId = "018f0000-0000-7000-8000-0000000000aa";
const place = { kind: "person.profile", id: principalId };
const input = Buffer.from("header.payload");
const minute = 60_000;

let vault: VaultWorld;
let database: TestDatabase;
let dataDir: string;
let installations = 0;
let installationId: string;
const clock = { ahead: 0, now: () => new Date(Date.now() + clock.ahead) };

beforeAll(async () => {
  [vault, database] = await Promise.all([startVaultWorld(), startTestDatabase()]);
}, vaultStartMs);
afterAll(async () => {
  await vault?.stop();
  await database?.drop();
});
beforeEach(async () => {
  await database.asOwner("truncate data_key, subject_key, signing_key");
  dataDir = await mkdtemp(join(tmpdir(), "gatehouse-vault-keys-"));
  installations += 1;
  installationId = `018f0000-0000-7000-8000-${String(installations).padStart(12, "0")}`;
  clock.ahead = 0;
  return () => rm(dataDir, { recursive: true });
});
afterEach(() => vault.proxy.mode({ kind: "pass" }));

function open(home: "vault" | "local" = "vault") {
  return openKeys({
    home,
    vault: vault.link(),
    dataDir,
    masterKey: undefined,
    installationId,
    algorithms: ["ES256"],
    signingKeyTimes,
    reader: database.reader,
    clock,
    logger: silentLogger,
  });
}

async function started(home: "vault" | "local" = "vault") {
  const keys = await open(home);
  await keys.settle(database.unitOfWork());
  return keys;
}

async function sealUnder(keys: Awaited<ReturnType<typeof open>>, subject = principalId): Promise<Buffer> {
  const prepared = await keys.subjects.prepare(subject);
  await database.transact((tx) => prepared.store(tx));
  return prepared.seal(place, Buffer.from("zoe"));
}

describe("keys in Vault", () => {
  it("KEY-09 are the same after a restart, and neither database nor disk holds a private or wrapping key", async () => {
    const first = await started();
    const sealed = await sealUnder(first);
    const { kid } = first.signingKeys.current();
    const again = await started();
    expect(again.signingKeys.current().kid).toBe(kid);
    expect(again.macs.mac("token-hash", ["t"])).toEqual(first.macs.mac("token-hash", ["t"]));
    expect((await again.subjects.open(principalId, place, sealed))?.toString()).toBe("zoe");
    expect((await again.signingKeys.sign(kid, input)).length).toBe(64);
    expect(again.masterKeyIsExternal).toBe(true);
    const [row] = await database.asOwner<{ home: string; handle: string }>("select home, handle from signing_key");
    expect(row).toEqual({ home: "vault", handle: `gatehouse-${installationId}-es256-1:1` });
    await expect(rm(join(dataDir, "keys"), { recursive: true })).rejects.toMatchObject({ code: "ENOENT" });
  });

  it("are made once by replicas that start together", async () => {
    const replicas = await Promise.all([open(), open(), open(), open()]);
    const unitOfWork = database.unitOfWork();
    await Promise.all(replicas.map((keys) => keys.settle(unitOfWork)));
    await Promise.all(replicas.map((keys) => keys.signingKeys.caughtUp()));
    expect(new Set(replicas.map(({ signingKeys }) => signingKeys.current().kid)).size).toBe(1);
    expect(new Set(replicas.map(({ macs }) => macs.mac("blind-index", ["x"]).value.toString("hex"))).size).toBe(1);
    // One that came too late may have made the next key in Vault already: whoever needs the next one takes it.
    expect(await database.asOwner("select number from signing_key")).toEqual([{ number: 1 }]);
  });

  it("KEY-09 refuse the start over another home's database, and over one whose wrapping key is gone", async () => {
    await started();
    await expect(open("local")).rejects.toThrow("set GATEHOUSE_KEYS=vault");
    const name = `transit/keys/gatehouse-${installationId}-wrap`;
    await vault.server.admin("POST", `${name}/config`, { deletion_allowed: true });
    await vault.server.admin("DELETE", name);
    await expect(open()).rejects.toThrow("is missing in Vault");
    await database.asOwner("truncate data_key, signing_key");
    await started("local");
    await expect(open()).rejects.toThrow("gatehouse keys migrate local vault");
  });

  it("refuse the start with a reason while Vault is sealed, and start once it is not", async () => {
    await vault.server.seal();
    await expect(open()).rejects.toMatchObject({ name: "StartRefused", message: "no keys: Vault is sealed" });
    await vault.server.unseal();
    const keys = await open();
    await vault.server.seal();
    await expect(keys.settle(database.unitOfWork())).rejects.toMatchObject({ name: "StartRefused" });
    await vault.server.unseal();
    await until(() => started().then(Boolean, () => false));
  });

  it("SEC-07 serve from the cache while Vault does not answer, for an hour, and end at once when it refuses", async () => {
    const keys = await started();
    const sealed = await sealUnder(keys);
    const opens = () => keys.subjects.open(principalId, place, sealed);
    const refused = { reason: "KEYS_UNAVAILABLE" };
    await vault.server.seal();
    await expect(keys.signingKeys.sign(keys.signingKeys.current().kid, input)).rejects.toMatchObject(refused);
    await expect(keys.subjects.prepare("other")).rejects.toMatchObject(refused);
    expect((await opens())?.toString()).toBe("zoe");
    clock.ahead = 20 * minute;
    expect((await opens())?.toString()).toBe("zoe");
    // Held in memory for the life of the process: logins and look-ups go on.
    expect(keys.macs.mac("token-hash", ["t"]).value).toHaveLength(32);
    clock.ahead = 70 * minute;
    await expect(opens()).rejects.toMatchObject(refused);
    await vault.server.unseal();
    await until(() => opens().then(Boolean, () => false));
    clock.ahead = 80 * minute;
    await vault.server.admin("PUT", "sys/policies/acl/gatehouse", {
      policy: `path "sys/none" { capabilities = ["read"] }`,
    });
    await expect(opens()).rejects.toMatchObject(refused);
    await vault.restorePolicy();
    expect((await opens())?.toString()).toBe("zoe");
  });

  it("KEY-08 rotate, are compromised and destroyed in Vault as at home", async () => {
    const keys = await started();
    const unitOfWork = database.unitOfWork();
    const { kid } = keys.signingKeys.current();
    await unitOfWork.commit(draftAt(clock.now()), async (tx) => {
      await (await keys.signingKeys.prepareCompromise(kid, clock.now())).store(tx);
    });
    await keys.signingKeys.caughtUp();
    // Vault may have been too slow for the change to wait: then the key is made when somebody needs one.
    await keys.signingKeys.ready();
    const next = keys.signingKeys.current();
    expect(next.kid).not.toBe(kid);
    expect((await keys.signingKeys.sign(next.kid, input)).length).toBe(64);
    clock.ahead = 60 * 24 * 60 * minute;
    for (const sweep of keys.sweeps) await sweep.run(clock.now());
    const [old] = await database.asOwner(
      "select destroyed_at is not null as gone, handle from signing_key where kid = $1",
      [kid],
    );
    expect(old).toEqual({ gone: true, handle: null });
    const made = await vault.server.admin("GET", "transit/keys?list=true");
    expect(made.data.keys).not.toContain(`gatehouse-${installationId}-es256-1`);
    expect(made.data.keys).toContain(`gatehouse-${installationId}-es256-2`);
  });
});
