// Opening the keys on a real database: the first start, replicas that start together, the next start, and a dump.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditDraft, AuditWriter } from "../../../src/kernel/audit.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import { purposes } from "../../../src/keys/installation-keys.ts";
import { type Keys, openKeys } from "../../../src/keys/open.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { homeOptions, keyHome, type TestHomeOptions } from "../../fixtures/key-home.ts";
import { signingKeyTimes } from "../../fixtures/signing-keys.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

let database: TestDatabase;
let dataDir: string;
let installationId: string;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());
beforeEach(async () => {
  await database.asOwner("truncate data_key, subject_key, signing_key");
  dataDir = await mkdtemp(join(tmpdir(), "gatehouse-open-"));
  installationId = uuidv7(new Date());
  return () => rm(dataDir, { recursive: true });
});

// One instant for all replicas: where the month ends in between, each makes the key of its own.
const now = new Date();
const clock = { now: () => now };

const principalId = "018f0000-0000-7000-8000-0000000000aa";
const place = { kind: "person.profile", id: principalId };

async function open(home: Partial<TestHomeOptions> = {}) {
  return openKeys({
    ...(await homeOptions(dataDir)),
    ...home,
    installationId,
    algorithms: ["ES256"],
    signingKeyTimes,
    reader: database.reader,
    clock,
    logger: silentLogger,
  });
}

async function started(home: Partial<TestHomeOptions> = {}) {
  const keys = await open(home);
  await keys.settle(database.unitOfWork());
  return keys;
}

async function sealedFor({ subjects }: Keys): Promise<Buffer> {
  const prepared = await subjects.prepare(principalId);
  await database.transact((tx) => prepared.store(tx));
  return prepared.seal(place, Buffer.from("zoe"));
}

/** Keeps the drafts it is given, or fails in their place. */
function noting(drafts: AuditDraft[], failure?: Error): AuditWriter {
  return {
    prepare: (draft) => ({ draft }),
    insert: async (_tx, records) => {
      if (failure) throw failure;
      drafts.push(...records.map(({ draft }) => draft));
    },
  };
}

const countKeys = async () =>
  (await database.asOwner<{ count: number }>("select count(*)::int as count from data_key"))[0]?.count;

describe("keys on Postgres", () => {
  it("stores the installation's keys with one audit record at the first start, and none at the next", async () => {
    const drafts: AuditDraft[] = [];
    const unitOfWork = database.unitOfWork(noting(drafts));
    const first = await open();
    await first.settle(unitOfWork);
    const again = await open();
    await again.settle(unitOfWork);
    expect(drafts.map(({ event }) => event)).toEqual(["key.created", "key.signing_created"]);
    expect(drafts[0]).toMatchObject({ event: "key.created", category: "SYSTEM", outcome: "SUCCESS" });
    expect(drafts[0]?.resources).toContainEqual({ type: "data_key", uid: "pepper", version: 1 });
    expect(again.macs.mac("token-hash", ["t"])).toEqual(first.macs.mac("token-hash", ["t"]));
    expect(again.signingKeys.verificationKeys()).toEqual(first.signingKeys.verificationKeys());
  });

  it("wraps everything in the one home that it was given, and makes its signing keys there", async () => {
    await sealedFor(await started());
    const homes = await database.asOwner(
      `select distinct split_part(kek_id, '-', 1) as home from (
         select kek_id from data_key union all select kek_id from subject_key) as wrapped
       union all select home from signing_key`,
    );
    expect(homes).toEqual([{ home: keyHome }, { home: keyHome }]);
  });

  it("stores nothing when the audit record cannot be stored", async () => {
    const keys = await open();
    await expect(
      keys.settle(database.unitOfWork(noting([], new GatehouseError("AUDIT_UNAVAILABLE")))),
    ).rejects.toMatchObject({ reason: "AUDIT_UNAVAILABLE" });
    expect(await countKeys()).toBe(0);
  });

  it("gives replicas that start together one set of keys", async () => {
    await started();
    await database.asOwner("truncate data_key");
    const drafts: AuditDraft[] = [];
    const unitOfWork = database.unitOfWork(noting(drafts));
    const replicas = await Promise.all([open(), open(), open(), open()]);
    await Promise.all(replicas.map((keys) => keys.settle(unitOfWork)));
    expect(new Set(replicas.map((keys) => keys.macs.mac("blind-index", ["x"]).value.toString("hex"))).size).toBe(1);
    expect(await countKeys()).toBe(purposes.length);
    expect(drafts).toHaveLength(1);
    const [stored] = await database.asOwner<{ purposes: number }>(
      "select count(distinct purpose)::int as purposes from data_key",
    );
    expect(stored?.purposes).toBe(purposes.length);
  });

  it("gives an installation of an earlier release the key of a new purpose: one, whichever replica is first", async () => {
    const before = await started();
    const purpose = "limit-key";
    await database.asOwner("delete from data_key where purpose = $1", [purpose]);
    const drafts: AuditDraft[] = [];
    const unitOfWork = database.unitOfWork(noting(drafts));
    const replicas = await Promise.all([open(), open(), open(), open()]);
    await Promise.all(replicas.map((keys) => keys.settle(unitOfWork)));
    const [one, ...others] = replicas.map((keys) => keys.macs.mac(purpose, ["x"]).value.toString("hex"));
    expect(others).toEqual([one, one, one]);
    expect(await countKeys()).toBe(purposes.length);
    // One record, about the new key and no other.
    expect(drafts.map(({ resources }) => resources)).toEqual([[{ type: "data_key", uid: purpose, version: 1 }]]);
    for (const keys of replicas)
      expect(keys.macs.mac("token-hash", ["t"])).toEqual(before.macs.mac("token-hash", ["t"]));
    const later = await started();
    expect(later.macs.mac(purpose, ["x"]).value.toString("hex")).toBe(one);
  });

  it("keeps a subject's key and opens with it after a restart, and never once it is erased", async () => {
    const keys = await started();
    const sealed = await sealedFor(keys);
    expect((await (await started()).subjects.open(principalId, place, sealed))?.toString()).toBe("zoe");
    await database.asOwner("update subject_key set wrapped = null, erased_at = $1", [new Date(0)]);
    const after = await started();
    expect(await after.subjects.open(principalId, place, sealed)).toBeUndefined();
    await expect(after.subjects.seal(principalId, place, Buffer.from("x"))).rejects.toMatchObject({
      reason: "PRINCIPAL_NOT_FOUND",
    });
  });

  it("makes the month's key once, with its record, however many need it first", async () => {
    const drafts: AuditDraft[] = [];
    const unitOfWork = database.unitOfWork(noting(drafts));
    const replicas = [await started(), await open(), await open()];
    await Promise.all(replicas.map((keys) => keys.settle(unitOfWork)));
    drafts.length = 0;
    const sealed = await Promise.all(replicas.map((keys) => keys.subjects.seal(undefined, place, Buffer.from("x"))));
    const fresh = await started();
    for (const one of sealed) expect((await fresh.subjects.open(one.subject, place, one.sealed))?.toString()).toBe("x");
    const rows = await database.asOwner("select subject from subject_key");
    expect(rows).toEqual([{ subject: sealed[0]?.subject }]);
    expect(drafts.map((draft) => draft.event)).toEqual(["key.created"]);
  });

  it("refuses unattributed sealing before the unit of work is given, rather than making a key without a record", async () => {
    const keys = await open();
    await expect(keys.subjects.seal(undefined, place, Buffer.from("x"))).rejects.toMatchObject({
      reason: "KEYS_UNAVAILABLE",
    });
  });

  it("P-04 takes any text as a subject, as data", async () => {
    const keys = await started();
    const subject = "x'; drop table subject_key; --";
    const prepared = await keys.subjects.prepare(subject);
    await database.transact((tx) => prepared.store(tx));
    expect(await database.asOwner("select subject from subject_key")).toEqual([{ subject }]);
  });

  it("seals values, closes, and then has no key in memory", async () => {
    const keys = await started();
    const value = await keys.values.seal(place, Buffer.from("v"));
    expect((await keys.values.open(place, value)).toString()).toBe("v");
    keys.close();
    expect(() => keys.macs.mac("token-hash", ["t"])).toThrow("closed");
  });
});

describe("local keys beside Postgres", () => {
  it("open nothing once they are closed", async () => {
    const keys = await started({ home: "local" });
    const value = await keys.values.seal(place, Buffer.from("v"));
    keys.close();
    await expect(keys.values.open(place, value)).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
  });

  it("KEY-09 refuses to start over a database whose key file is gone, and changes nothing", async () => {
    await started({ home: "local" });
    await rm(join(dataDir, "keys", "keys.json"));
    await expect(open({ home: "local" })).rejects.toThrow("the database holds data that only its keys open");
    expect(await countKeys()).toBe(purposes.length);
  });

  it("KEY-09 a dump of the database opens nothing with the keys of another installation's home", async () => {
    await started({ home: "local" });
    await rm(join(dataDir, "keys"), { recursive: true });
    await database.asOwner("create table kept as select * from data_key");
    await database.asOwner("truncate data_key");
    await open({ home: "local" });
    await database.asOwner("insert into data_key select * from kept");
    await database.asOwner("drop table kept");
    await expect(open({ home: "local" })).rejects.toThrow("does not open with the keys of this home");
  });
});
