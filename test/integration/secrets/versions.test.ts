// Versions of a secret from put to destroy, on a real database.

import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { SecretVersionState } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { formatId } from "../../../src/kernel/ids.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import type { UnitOfWork } from "../../../src/kernel/unit-of-work.ts";
import { maxValueBytes, openSecretsWorld, type SecretsWorld } from "./secrets-world.ts";

let world: SecretsWorld;
let owner: Principal;
let paths = 0;

beforeAll(async () => {
  world = await openSecretsWorld();
  owner = await world.principal();
});
afterAll(() => world.close());

const freshPath = () => `team-a/secret-${++paths}`;
const bytes = (text: string) => new TextEncoder().encode(text);
const text = (value: Uint8Array) => new TextDecoder().decode(value);

async function put(path: string, value = "v", expectedVersion?: number) {
  const answer = await world.put(owner, {
    path,
    value: bytes(value),
    ...(expectedVersion === undefined ? {} : { expectedVersion }),
  });
  return answer.version;
}

async function eventsOf(path: string) {
  return world.database.asOwner<{ event: string; outcome: string; entry: Buffer }>(
    "select event, outcome, entry from audit_event where resource_uid = $1 order by xid",
    [path],
  );
}

async function entriesOf(path: string) {
  return (await eventsOf(path)).map(({ entry }) => JSON.parse(entry.toString("utf8")));
}

describe("versions of a secret", () => {
  it("SEC-01 T-03 are numbered from 1 without gaps, immutable, and each opens under its number", async () => {
    const path = freshPath();
    for (const [index, value] of ["one", "two", "three"].entries()) {
      expect(await put(path, value)).toMatchObject({
        version: index + 1,
        state: SecretVersionState.ENABLED,
        creatorId: formatId("principal", owner.id),
      });
    }
    expect(text((await world.get(owner, path)).value)).toBe("three");
    expect(text((await world.get(owner, path, 1)).value)).toBe("one");
    expect((await world.get(owner, path, 2)).version?.version).toBe(2);
    expect((await world.versions(owner, { path })).versions.map(({ version }) => version)).toEqual([3, 2, 1]);
  });

  it("T-03 keeps any bytes, from one to the limit", async () => {
    const path = freshPath();
    const every = Uint8Array.from({ length: 256 }, (_, index) => index);
    await world.put(owner, { path, value: every });
    expect(Buffer.from((await world.get(owner, path)).value)).toEqual(Buffer.from(every));
    const largest = new Uint8Array(maxValueBytes).fill(7);
    await world.put(owner, { path, value: largest });
    expect((await world.get(owner, path)).value).toHaveLength(maxValueBytes);
  });

  it("KEY-03 refuses a value that is one byte too large and stores nothing", async () => {
    const path = freshPath();
    await expect(world.put(owner, { path, value: new Uint8Array(maxValueBytes + 1) })).rejects.toMatchObject({
      reason: "SECRET_TOO_LARGE",
      code: 3,
      metadata: { max_bytes: String(maxValueBytes) },
    });
    await expect(world.get(owner, path)).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
  });

  it("SEC-01 check-and-set takes the newest version, 0 for a new path, and says what is current otherwise", async () => {
    const path = freshPath();
    await expect(put(path, "v", 1)).rejects.toMatchObject({
      reason: "SECRET_VERSION_CONFLICT",
      code: 10,
      metadata: { current_version: "0" },
    });
    await put(path, "v", 0);
    await expect(put(path, "v", 0)).rejects.toMatchObject({
      reason: "SECRET_VERSION_CONFLICT",
      metadata: { current_version: "1" },
    });
    await put(path, "v", 1);
    for (const stale of [0, 1, 3, 2_147_483_646, 2_147_483_647]) {
      await expect(put(path, "v", stale)).rejects.toMatchObject({ metadata: { current_version: "2" } });
    }
    expect((await world.versions(owner, { path })).versions).toHaveLength(2);
  });

  it.each([0, 1])("SEC-01 of 12 puts with the same expected version %i exactly one wins", async (expected) => {
    const path = freshPath();
    if (expected === 1) await put(path);
    const settled = await Promise.allSettled(
      Array.from({ length: 12 }, (_, index) => put(path, `v${index}`, expected)),
    );
    const won = settled.flatMap((one, index) => (one.status === "fulfilled" ? [index] : []));
    expect(won).toHaveLength(1);
    for (const one of settled)
      if (one.status === "rejected") expect(one.reason).toMatchObject({ reason: "SECRET_VERSION_CONFLICT" });
    expect(text((await world.get(owner, path)).value)).toBe(`v${won[0]}`);
  });

  it("SEC-01 12 puts at once to a new path, without check, get 12 consecutive versions with their own values", async () => {
    const path = freshPath();
    const answers = await Promise.all(
      Array.from({ length: 12 }, async (_, index) => ({ index, version: (await put(path, `v${index}`))?.version })),
    );
    expect(answers.map(({ version }) => version).toSorted((a, b) => (a ?? 0) - (b ?? 0))).toEqual(
      Array.from({ length: 12 }, (_, index) => index + 1),
    );
    for (const { index, version } of answers)
      expect(text((await world.get(owner, path, version)).value)).toBe(`v${index}`);
    expect(world.owned.filter(({ resource }) => resource === `secrets/${path}`)).toEqual([
      { principalId: owner.id, resource: `secrets/${path}` },
    ]);
  });

  it("SEC-01 a put that meets another process's put seals again for the next number", async () => {
    const path = freshPath();
    await put(path, "mine");
    let disturbances = 3;
    const unitOfWork: UnitOfWork = {
      ...world.unitOfWork,
      async commit(draft, work) {
        if (disturbances-- > 0)
          await put(path, "theirs", (await world.versions(owner, { path })).versions[0]?.version ?? 0);
        return world.unitOfWork.commit(draft, work);
      },
    };
    const answer = await world.put(owner, { path, value: bytes("late") }, { unitOfWork });
    expect(answer.version?.version).toBe(5);
    expect(text((await world.get(owner, path, 5)).value)).toBe("late");
    expect((await entriesOf(path)).filter(({ resources }) => resources[0].version === 5)).toHaveLength(2);
  });

  it("AZ-02 whoever creates the path owns it, in the same commit, and no one owns it by adding a version", async () => {
    const path = freshPath();
    const other = await world.principal();
    await put(path);
    await world.put(other, { path, value: bytes("v") });
    expect(world.owned.filter(({ resource }) => resource === `secrets/${path}`)).toEqual([
      { principalId: owner.id, resource: `secrets/${path}` },
    ]);
  });

  it("SEC-01 has no version after the last of int32", async () => {
    const path = freshPath();
    await put(path);
    await world.database.asOwner("update secret set current_version = 2147483647 where path = $1", [path]);
    await expect(put(path)).rejects.toMatchObject({ reason: "SECRET_VERSIONS_EXHAUSTED", code: 9 });
    await expect(put(path, "v", 2_147_483_647)).rejects.toMatchObject({ reason: "SECRET_VERSIONS_EXHAUSTED" });
    await expect(put(path, "v", 1)).rejects.toMatchObject({ reason: "SECRET_VERSION_CONFLICT" });
  });

  it("SEC-01 delete, undelete and destroy are three things, and destroyed is for good", async () => {
    const path = freshPath();
    await put(path, "one");
    await put(path, "two");
    const deleted = await world.change(owner, "delete", path, [2]);
    expect(deleted.versions).toMatchObject([{ version: 2, state: SecretVersionState.DELETED }]);
    await expect(world.get(owner, path)).rejects.toMatchObject({ reason: "SECRET_VERSION_DELETED", code: 9 });
    expect(text((await world.get(owner, path, 1)).value)).toBe("one");
    const again = await world.change(owner, "delete", path, [2], { now: new Date(Date.now() + 60_000) });
    expect(again.versions[0]?.deleteTime).toEqual(deleted.versions[0]?.deleteTime);
    const back = await world.change(owner, "undelete", path, [2]);
    expect(back.versions).toMatchObject([{ version: 2, state: SecretVersionState.ENABLED }]);
    expect(back.versions[0]?.deleteTime).toBeUndefined();
    expect(text((await world.get(owner, path)).value)).toBe("two");
    const destroyed = await world.change(owner, "destroy", path, [2, 1]);
    expect(destroyed.versions.map(({ version, state }) => [version, state])).toEqual([
      [1, 3],
      [2, 3],
    ]);
    await expect(world.get(owner, path)).rejects.toMatchObject({ reason: "SECRET_VERSION_DESTROYED", code: 9 });
    for (const how of ["delete", "undelete"] as const) {
      await expect(world.change(owner, how, path, [1])).rejects.toMatchObject({ reason: "SECRET_VERSION_DESTROYED" });
    }
    const twice = await world.change(owner, "destroy", path, [1], { now: new Date(Date.now() + 60_000) });
    expect(twice.versions[0]?.destroyTime).toEqual(destroyed.versions[0]?.destroyTime);
    const rows = await world.database.asOwner(
      "select sealed, wrapped_key, kek_id, kek_version from secret_version join secret on id = secret_id where path = $1",
      [path],
    );
    expect(rows).toEqual(new Array(2).fill({ sealed: null, wrapped_key: null, kek_id: null, kek_version: null }));
  });

  it("SEC-01 changes all named versions or none", async () => {
    const path = freshPath();
    await put(path);
    await put(path);
    await expect(world.change(owner, "delete", path, [1, 2, 3])).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    await world.change(owner, "destroy", path, [2]);
    await expect(world.change(owner, "delete", path, [1, 2])).rejects.toMatchObject({
      reason: "SECRET_VERSION_DESTROYED",
    });
    await expect(world.change(owner, "delete", "no/such/path", [1])).rejects.toMatchObject({
      reason: "SECRET_NOT_FOUND",
    });
    expect(text((await world.get(owner, path, 1)).value)).toBe("v");
  });

  it("SEC-01 the newest version is the newest number, deleted or not", async () => {
    const path = freshPath();
    await put(path);
    await put(path);
    await world.change(owner, "destroy", path, [2]);
    await expect(world.get(owner, path)).rejects.toMatchObject({ reason: "SECRET_VERSION_DESTROYED" });
    expect((await put(path, "three", 2))?.version).toBe(3);
  });

  it("SEC-02 honours expiry when reading, to the millisecond, and keeps the attempt as evidence", async () => {
    const path = freshPath();
    const now = new Date();
    const expiry = new Date(now.getTime() + 60_000);
    await world.put(owner, { path, value: bytes("v"), expireTime: timestampFromDate(expiry) }, { now });
    const before = new Date(expiry.getTime() - 1);
    expect(text((await world.get(owner, path, 0, { now: before })).value)).toBe("v");
    await expect(world.get(owner, path, 0, { now: expiry })).rejects.toMatchObject({
      reason: "SECRET_EXPIRED",
      code: 9,
    });
    expect((await entriesOf(path)).at(-1)).toMatchObject({
      event: "secret.read",
      outcome: "FAILURE",
      reason: "SECRET_EXPIRED",
      resources: [{ type: "secret", uid: path, version: 1 }],
    });
  });

  it.each([
    ["now", (now: number) => ({ seconds: BigInt(Math.floor(now / 1000)), nanos: (now % 1000) * 1e6 })],
    ["past", () => ({ seconds: 0n, nanos: 0 })],
    ["beyond all calendars", () => ({ seconds: 9_000_000_000_000_000n, nanos: 0 })],
    ["negative nanos", () => ({ seconds: 4_000_000_000n, nanos: -1 })],
  ])("SEC-02 refuses an expiry that does not lie ahead: %s", async (_title, expiry) => {
    const path = freshPath();
    const now = new Date();
    const expireTime = expiry(now.getTime());
    await expect(world.put(owner, { path, value: bytes("v"), expireTime }, { now })).rejects.toMatchObject({
      reason: "REQUEST_INVALID",
      violations: [{ field: "expire_time" }],
    });
  });

  it("SEC-03 AUD-07 AUD-08 T-04 every write and read is in the trail: who, which version, when, how it ended", async () => {
    const path = freshPath();
    await put(path);
    await world.get(owner, path);
    await world.get(owner, path, 7).catch(() => {});
    await world.change(owner, "delete", path, [1]);
    await world.change(owner, "destroy", path, [1]);
    const entries = await entriesOf(path);
    expect(
      entries.map(({ event, outcome, reason, resources }) => [event, outcome, reason, resources[0].version]),
    ).toEqual([
      ["secret.written", "SUCCESS", undefined, 1],
      ["secret.read", "SUCCESS", undefined, 1],
      ["secret.read", "FAILURE", "SECRET_NOT_FOUND", 7],
      ["secret.deleted", "SUCCESS", undefined, 1],
      ["secret.destroyed", "SUCCESS", undefined, 1],
    ]);
    for (const { actor } of entries) expect(actor.id).toBe(formatId("principal", owner.id));
  });

  it("DAT-09 a put whose record, ownership or commit fails leaves nothing behind", async () => {
    const path = freshPath();
    const failing = world.database.unitOfWork({
      prepare: (draft) => ({ draft }),
      insert: async () => {
        throw new GatehouseError("AUDIT_UNAVAILABLE");
      },
    });
    await expect(world.put(owner, { path, value: bytes("v") }, { unitOfWork: failing })).rejects.toMatchObject({
      reason: "AUDIT_UNAVAILABLE",
    });
    await expect(world.get(owner, path)).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    await put(path, "kept");
    await expect(
      world.put(owner, { path, value: bytes("lost"), expectedVersion: 1 }, { unitOfWork: failing }),
    ).rejects.toThrow();
    await expect(world.change(owner, "destroy", path, [1], { unitOfWork: failing })).rejects.toThrow();
    expect(text((await world.get(owner, path)).value)).toBe("kept");
  });

  it("SEC-05 AUD-09 P-05 no value is in any row of the database", async () => {
    const path = freshPath();
    const canary = "canary-5f1c8e-value";
    await put(path, canary);
    await world.get(owner, path);
    const tables = await world.database.asOwner<{ name: string }>(
      "select tablename as name from pg_tables where schemaname = 'public'",
    );
    expect(tables.length).toBeGreaterThan(10);
    for (const { name } of tables) {
      const rows = await world.database.asOwner(`select row_to_json(t)::text as line from "${name}" t`);
      const all = rows.map(({ line }) => String(line)).join("\n");
      expect(all).not.toContain(canary);
      expect(all).not.toContain(Buffer.from(canary).toString("hex"));
    }
  });
});
