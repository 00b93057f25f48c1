// Envelope encryption: what opens, and that a stolen, moved, swapped or mixed row opens nothing.
import { describe, expect, it } from "vitest";
import type { Binding, SealedValue } from "../../../src/kernel/sealing.ts";
import { createDataKeyCache } from "../../../src/keys/data-key-cache.ts";
import { createEnvelope } from "../../../src/keys/envelope.ts";
import { cacheDeps, fakeHome, installationId, settableClock } from "./doubles.ts";

const place: Binding = { kind: "secret_version.sealed", id: "team/db", version: 3 };
const plaintext = Buffer.from("correct horse");

function setup(wrapper = fakeHome(), id = installationId) {
  const clock = settableClock();
  const cache = createDataKeyCache(cacheDeps(clock));
  return { clock, wrapper, cache, values: createEnvelope({ installationId: id, wrapper, cache }) };
}

const corrupt = { reason: "DATA_CORRUPT", message: "the stored data does not open" };

function flip(bytes: Buffer, at: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ 0x80;
  return copy;
}

describe("envelope", () => {
  it("KEY-09 opens what it sealed, and the row holds neither plaintext nor a key that opens it", async () => {
    const { values, wrapper } = setup();
    const value = await values.seal(place, plaintext);
    expect(await values.open(place, value)).toEqual(plaintext);
    const row = Buffer.concat([value.sealed, value.wrappedKey, Buffer.from(value.kekId)]);
    expect(row.includes(plaintext)).toBe(false);
    const other = setup(fakeHome());
    await expect(other.values.open(place, value)).rejects.toMatchObject(corrupt);
    expect(wrapper.unwraps).toBe(1);
  });

  it("KEY-01 takes a fresh data key for every value", async () => {
    const { values } = setup();
    const made = await Promise.all([1, 2, 3].map(() => values.seal(place, plaintext)));
    expect(new Set(made.map((value) => value.wrappedKey.toString("hex"))).size).toBe(3);
    expect(new Set(made.map((value) => value.sealed.toString("hex"))).size).toBe(3);
  });

  it.each<[string, Binding]>([
    ["another path", { ...place, id: "team/other" }],
    ["another version", { ...place, version: 4 }],
    ["no version", { kind: place.kind, id: place.id }],
    ["another kind", { ...place, kind: "person.profile" }],
    ["a path that swallows the version", { kind: place.kind, id: "team/db3" }],
  ])("KEY-04 does not open a row that was moved to %s", async (_title, elsewhere) => {
    const { values } = setup();
    const value = await values.seal(place, plaintext);
    await expect(values.open(elsewhere, value)).rejects.toMatchObject(corrupt);
    expect(await values.open(place, value)).toEqual(plaintext);
  });

  it("KEY-04 does not open in another installation that has the very same wrapping keys", async () => {
    const wrapper = fakeHome();
    const value = await setup(wrapper).values.seal(place, plaintext);
    await expect(setup(wrapper, "another").values.open(place, value)).rejects.toMatchObject(corrupt);
  });

  it("KEY-04 CVE-2025-14760 does not open any mixture of two rows, of one place or of two", async () => {
    const { values } = setup();
    const elsewhere = { ...place, version: 4 };
    const own = await values.seal(place, plaintext);
    for (const other of [await values.seal(place, plaintext), await values.seal(elsewhere, plaintext)]) {
      await expect(values.open(place, { ...own, sealed: other.sealed })).rejects.toMatchObject(corrupt);
      await expect(values.open(place, { ...own, wrappedKey: other.wrappedKey })).rejects.toMatchObject(corrupt);
    }
  });

  it("KEY-05 fails alike for every flipped byte of sealed value and wrapped key, and every other key id and version", async () => {
    const { values } = setup();
    const value = await values.seal(place, plaintext);
    const broken: SealedValue[] = [
      ...Array.from(value.sealed, (_byte, at) => ({ ...value, sealed: flip(value.sealed, at) })),
      ...Array.from(value.wrappedKey, (_byte, at) => ({ ...value, wrappedKey: flip(value.wrappedKey, at) })),
      { ...value, sealed: Buffer.alloc(0) },
      { ...value, wrappedKey: Buffer.alloc(0) },
      { ...value, kekId: "local-0000000000000000" },
      { ...value, kekVersion: 2 },
      { ...value, kekVersion: 0 },
    ];
    const failures = await Promise.all(broken.map((row) => values.open(place, row).catch((error: unknown) => error)));
    const shapes = new Set(
      failures.map((error) =>
        JSON.stringify(error instanceof Error ? [error.message, error.cause, { ...error }] : "opened"),
      ),
    );
    expect([...shapes]).toHaveLength(1);
    expect(failures[0]).toMatchObject(corrupt);
  });

  it("answers KEYS_UNAVAILABLE when the home does not, opens cached values meanwhile, and recovers", async () => {
    const { clock, values, wrapper } = setup();
    const cached = await values.seal(place, plaintext);
    const cold = await values.seal(place, plaintext);
    await values.open(place, cached);
    wrapper.mode = "unreachable";
    clock.time += 1000;
    expect(await values.open(place, cached)).toEqual(plaintext);
    await expect(values.open(place, cold)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    await expect(values.seal(place, plaintext)).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    wrapper.mode = "answers";
    expect(await values.open(place, cold)).toEqual(plaintext);
  });

  it("does not open from the cache once the home refuses", async () => {
    const { clock, values, wrapper } = setup();
    const value = await values.seal(place, plaintext);
    await values.open(place, value);
    clock.time += 1000;
    wrapper.mode = "refuses";
    await expect(values.open(place, value)).rejects.toThrow("permission denied");
  });

  it("SEC-08 does not take another place's cached key", async () => {
    const { values } = setup();
    const value = await values.seal(place, plaintext);
    await values.open(place, value);
    await expect(values.open({ ...place, id: "team/other" }, value)).rejects.toMatchObject(corrupt);
  });
});
