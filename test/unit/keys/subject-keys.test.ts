// Keys of subjects: personal data opens with its subject's key and nothing else, and not once that is erased.
import { describe, expect, it } from "vitest";
import type { Transaction } from "../../../src/kernel/database.ts";
import { createDataKeyCache } from "../../../src/keys/data-key-cache.ts";
import type { SubjectKeyWriter } from "../../../src/keys/ports.ts";
import { createSubjectKeys } from "../../../src/keys/subject-keys.ts";
import { cacheDeps, fakeHome, installationId, settableClock, subjectKeyTable } from "./doubles.ts";

const place = { kind: "person.profile", id: "p1" };
const profile = Buffer.from("zoe@example.org");
const tx: Transaction = { rows: async () => [], announce: () => undefined };

function start(table = subjectKeyTable(), wrapper = fakeHome(), writer: SubjectKeyWriter = table) {
  const clock = settableClock(Date.UTC(2026, 10, 21));
  const cache = createDataKeyCache(cacheDeps(clock));
  const subjects = createSubjectKeys({ installationId, wrapper, cache, reader: table, writer, clock });
  return { table, wrapper, clock, cache, subjects };
}

async function registered(principalId = "p1") {
  const started = start();
  const prepared = await started.subjects.prepare(principalId);
  const sealed = prepared.seal(place, profile);
  await prepared.store(tx);
  return { ...started, sealed };
}

describe("subject keys", () => {
  it("open what was sealed while the principal was being made, in this process and in another", async () => {
    const { subjects, sealed, table, wrapper } = await registered();
    expect(await subjects.open("p1", place, sealed)).toEqual(profile);
    expect(await start(table, wrapper).subjects.open("p1", place, sealed)).toEqual(profile);
  });

  it("seal for a principal whose key is prepared but not yet stored, as its audit record needs", async () => {
    const { subjects } = start();
    await subjects.prepare("p1");
    const sealer = await subjects.sealerFor("p1");
    expect(sealer.subject).toBe("p1");
    const { sealed } = await subjects.seal("p1", place, profile);
    expect(await subjects.open("p1", place, sealed)).toEqual(profile);
    expect(await subjects.open("p1", place, sealer.seal(place, profile))).toEqual(profile);
  });

  it("refuse a second key for a subject", async () => {
    const { subjects } = await registered();
    const second = await subjects.prepare("p1");
    await expect(second.store(tx)).rejects.toThrow("already");
  });

  it("KEY-04 KEY-05 do not open for another subject or place, and fail alike", async () => {
    const { subjects, sealed } = await registered();
    await (await subjects.prepare("p2")).store(tx);
    const corrupt = { reason: "DATA_CORRUPT", message: "the stored data does not open" };
    await expect(subjects.open("p2", place, sealed)).rejects.toMatchObject(corrupt);
    await expect(subjects.open("p1", { ...place, id: "p2" }, sealed)).rejects.toMatchObject(corrupt);
    await expect(subjects.open("p1", place, sealed.subarray(1))).rejects.toMatchObject(corrupt);
    await expect(subjects.open("nobody", place, sealed)).rejects.toMatchObject(corrupt);
  });

  it("KEY-04 does not unwrap a key that was moved to another subject's row", async () => {
    const { subjects, table, wrapper, sealed } = await registered();
    await (await subjects.prepare("p2")).store(tx);
    table.rows.set("p1", { subject: "p1", wrapped: table.rows.get("p2")!.wrapped });
    await expect(start(table, wrapper).subjects.open("p1", place, sealed)).rejects.toMatchObject({
      reason: "DATA_CORRUPT",
    });
  });

  it("are gone once erased: nothing opens, nothing new is sealed, and a held key dies with its age", async () => {
    const { subjects, table, clock, sealed } = await registered();
    table.rows.set("p1", { subject: "p1", wrapped: undefined });
    clock.time += 1000;
    expect(await subjects.open("p1", place, sealed)).toBeUndefined();
    await expect(subjects.seal("p1", place, profile)).rejects.toMatchObject({ reason: "PRINCIPAL_NOT_FOUND" });
    await expect(subjects.sealerFor("nobody")).rejects.toMatchObject({ reason: "PRINCIPAL_NOT_FOUND" });
  });

  it("of the month are made by whoever needs them first, once, and change with the month", async () => {
    const { subjects, table, clock } = start();
    const made = await Promise.all([1, 2, 3].map(() => subjects.seal(undefined, place, profile)));
    expect(new Set(made.map(({ subject }) => subject))).toEqual(new Set(["unattributed-2026-11"]));
    expect(await subjects.open("unattributed-2026-11", place, made[0]!.sealed)).toEqual(profile);
    clock.time = Date.UTC(2026, 11, 1);
    expect((await subjects.sealerFor(undefined)).subject).toBe("unattributed-2026-12");
    expect([...table.rows.keys()]).toEqual(["unattributed-2026-11", "unattributed-2026-12"]);
  });

  it("of the month are the first replica's when two make one at once", async () => {
    const table = subjectKeyTable();
    const wrapper = fakeHome();
    const replicas = [start(table, wrapper), start(table, wrapper)];
    const sealed = await Promise.all(replicas.map(({ subjects }) => subjects.seal(undefined, place, profile)));
    for (const { subjects } of replicas) {
      for (const one of sealed) expect(await subjects.open(one.subject, place, one.sealed)).toEqual(profile);
    }
    expect(table.rows.size).toBe(1);
  });

  it("of the month are not made again once erased", async () => {
    const { subjects, table } = start();
    table.rows.set("unattributed-2026-11", { subject: "unattributed-2026-11", wrapped: undefined });
    await expect(subjects.seal(undefined, place, profile)).rejects.toMatchObject({ reason: "PRINCIPAL_NOT_FOUND" });
  });

  it("answer KEYS_UNAVAILABLE when the home does not", async () => {
    const { subjects, wrapper } = start();
    wrapper.mode = "unreachable";
    await expect(subjects.prepare("p1")).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    await expect(subjects.seal(undefined, place, profile)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
  });
});
