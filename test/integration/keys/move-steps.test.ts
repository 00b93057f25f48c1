// Moving keys from home to home, stopped after every single step: no server starts in between, and the next run ends it.
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { UnitOfWork } from "../../../src/kernel/unit-of-work.ts";
import type { HomeName } from "../../../src/keys/homes.ts";
import { createMove } from "../../../src/keys/moving/move.ts";
import type { Moved } from "../../../src/keys/moving/rewrap.ts";
import { installationRows, subjectRows, valueRows } from "../../../src/keys/moving/store.ts";
import { openKeys } from "../../../src/keys/open.ts";
import { requireNoServer } from "../../../src/postgres/alone.ts";
import { createPool } from "../../../src/postgres/pool.ts";
import { wrappedSecretKeys } from "../../../src/secrets/wrapped-keys/store.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { signingKeyTimes } from "../../fixtures/signing-keys.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { vaultStartMs } from "../../fixtures/vault/servers.ts";
import { startVaultWorld, type VaultWorld } from "./vault-world.ts";

const people = Array.from({ length: 300 }, (_, at) => `018f0000-0000-7000-8000-${String(at).padStart(12, "0")}`);
const place = (id: string) => ({ kind: "person.profile", id });
const secretId = "018f0000-0000-7000-8000-0000000000ee";
const clock = { now: () => new Date() };
const stopped = new Error("stopped here");

let vault: VaultWorld;
let database: TestDatabase;
let dataDir: string;
let installations = 100;
let installationId: string;

beforeAll(async () => {
  [vault, database] = await Promise.all([startVaultWorld(), startTestDatabase()]);
}, vaultStartMs);
afterAll(async () => {
  await vault?.stop();
  await database?.drop();
});
beforeEach(async () => {
  await database.asOwner("truncate data_key, subject_key, signing_key, secret, secret_version");
  dataDir = await mkdtemp(join(tmpdir(), "gatehouse-moving-"));
  installations += 1;
  installationId = `018f0000-0000-7000-8000-${String(installations).padStart(12, "0")}`;
  return () => rm(dataDir, { recursive: true });
});

async function started(home: HomeName, movingFrom?: HomeName) {
  const keys = await openKeys({
    home,
    movingFrom,
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
  await keys.settle(database.unitOfWork());
  return keys;
}

type Opened = Awaited<ReturnType<typeof started>>;

async function furnish(keys: Opened): Promise<readonly Buffer[]> {
  const sealed: Buffer[] = [];
  for (const id of people) {
    const prepared = await keys.subjects.prepare(id);
    await database.transact((tx) => prepared.store(tx));
    sealed.push(prepared.seal(place(id), Buffer.from(id)));
  }
  const value = await keys.values.seal({ kind: "secret.value", id: "app/db", version: 1 }, Buffer.from("hunter2"));
  const now = clock.now().toISOString();
  await database.asOwner(
    "insert into secret (id, path, current_version, created_at, updated_at) values ($1, 'app/db', 1, $2, $2)",
    [secretId, now],
  );
  await database.asOwner(
    `insert into secret_version (secret_id, version, sealed, wrapped_key, kek_id, kek_version, created_at, created_by)
     values ($1, 1, $2, $3, $4, $5, $6, $1)`,
    [secretId, value.sealed, value.wrappedKey, value.kekId, value.kekVersion, now],
  );
  return sealed;
}

interface SecretColumns {
  readonly sealed: Buffer;
  readonly wrapped_key: Buffer;
  readonly kek_id: string;
  readonly kek_version: number;
  [column: string]: unknown;
}

async function requireWhole(keys: Opened, sealed: readonly Buffer[]): Promise<void> {
  for (const at of [0, 255, 256, 299]) {
    const id = people[at] ?? "";
    expect((await keys.subjects.open(id, place(id), sealed[at]!))?.toString()).toBe(id);
  }
  const [row] = await database.asOwner<SecretColumns>("select * from secret_version");
  const { sealed: text, wrapped_key: wrappedKey, kek_id: kekId, kek_version: kekVersion } = row!;
  const binding = { kind: "secret.value", id: "app/db", version: 1 };
  expect((await keys.values.open(binding, { sealed: text, wrappedKey, kekId, kekVersion })).toString()).toBe("hunter2");
}

/** Commits as long as `mayCommit` says so. */
function moveWith(keys: Opened, from: HomeName, to: HomeName, mayCommit: () => boolean): () => Promise<Moved> {
  const real = database.unitOfWork();
  const unitOfWork: UnitOfWork = {
    ...real,
    commit: (draft, work) => (mayCommit() ? real.commit(draft, work) : Promise.reject(stopped)),
  };
  const { reader } = database;
  return createMove({
    from,
    to,
    wrapper: keys.wrapper,
    purposes: installationRows(reader, installationId),
    others: [subjectRows(reader, installationId), valueRows(wrappedSecretKeys(reader), installationId)],
    requireNoServer: async () => {},
    unitOfWork,
    clock,
    logger: silentLogger,
  });
}

async function move(from: HomeName, to: HomeName, mayCommit: () => boolean): Promise<Moved> {
  const keys = await started(to, from);
  try {
    return await moveWith(keys, from, to, mayCommit)();
  } finally {
    keys.close();
  }
}

describe("keys on their way", () => {
  it.each<[HomeName, HomeName]>([
    ["local", "vault"],
    ["vault", "local"],
  ])("KEY-08 from %s to %s: stopped after any step, no server starts until the next run ends it", async (from, to) => {
    const first = await started(from);
    const sealed = await furnish(first);
    first.close();
    let steps = 0;
    for (let allowed = 1; ; allowed += 1) {
      let left = 1;
      steps = allowed;
      const done = await move(from, to, () => {
        left -= 1;
        return left >= 0;
      }).catch((error: unknown) => {
        expect(error).toBe(stopped);
        return undefined;
      });
      if (done !== undefined) break;
      for (const home of [from, to]) await expect(started(home)).rejects.toThrow("were being moved");
    }
    // The fence, two pages of people, the secret, and the last of the installation's own.
    expect(steps).toBe(5);
    const after = await started(to);
    await requireWhole(after, sealed);
    expect(after.signingKeys.verificationKeys()).toHaveLength(2);
    await expect(started(from)).rejects.toThrow(`set GATEHOUSE_KEYS=${to}`);
  });

  it("leaves what does not open, and what was erased, as it is", async () => {
    const first = await started("local");
    await furnish(first);
    await database.asOwner("update subject_key set wrapped = $1 where subject = $2", [Buffer.alloc(110), people[3]]);
    await database.asOwner("update subject_key set wrapped = null, erased_at = now() where subject = $1", [people[4]]);
    expect(await move("local", "vault", () => true)).toMatchObject({ left: 1 });
    const kept = await database.asOwner("select subject from subject_key where kek_id like 'local-%' order by subject");
    expect(kept.map(({ subject }) => subject)).toEqual([people[3], people[4]]);
  });

  it("leaves alone a key that is erased while it moves", async () => {
    const first = await started("local");
    await furnish(first);
    const keys = await started("vault", "local");
    let commits = 0;
    const moving = moveWith(keys, "local", "vault", () => {
      commits += 1;
      return true;
    });
    const { wrapper } = keys;
    const wrap = wrapper.wrap.bind(wrapper);
    let erased = false;
    Object.assign(wrapper, {
      wrap: async (items: Parameters<typeof wrap>[0]) => {
        if (commits > 0 && !erased) {
          erased = true;
          await database.asOwner("update subject_key set wrapped = null, erased_at = now() where subject = $1", [
            people[0],
          ]);
        }
        return await wrap(items);
      },
    });
    await moving();
    const [row] = await database.asOwner("select wrapped from subject_key where subject = $1", [people[0]]);
    expect(row).toEqual({ wrapped: null });
  });

  it("are refused while a server is connected", async () => {
    const settings = { logger: silentLogger, size: 1 };
    const connection = database.connection("app");
    const command = createPool({
      ...settings,
      connection: { ...connection, applicationName: "gatehouse keys migrate" },
    });
    await database.pool.rows({ name: "test.one", text: "select 1" }, []);
    await expect(requireNoServer(command)).rejects.toThrow("stop every replica first");
    await command.close();
  });
});
