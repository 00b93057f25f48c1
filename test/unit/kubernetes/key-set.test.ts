// The keys of a cluster in a file: which are taken, when they are read again, and how long old ones serve.
import { generateKeyPairSync } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { createKeySet, parseKeySet } from "../../../src/kubernetes/key-set.ts";
import { createFakeLogger } from "../../fakes/logger.ts";

const ec = generateKeyPairSync("ec", { namedCurve: "P-256" }).publicKey.export({ format: "jwk" });
const rsa = (modulusLength: number) =>
  generateKeyPairSync("rsa", { modulusLength }).publicKey.export({ format: "jwk" });
const named = (...kids: readonly string[]) => JSON.stringify({ keys: kids.map((kid) => ({ ...ec, kid })) });

let path: string;
beforeEach(async () => {
  path = join(await mkdtemp(join(tmpdir(), "gatehouse-keys-")), "keys.json");
});
afterEach(() => rm(join(path, ".."), { recursive: true }));

const start = Date.parse("2026-11-21T12:00:00.000Z");
const at = (ms: number) => new Date(start + ms);

function open() {
  const logger = createFakeLogger();
  return { keys: createKeySet({ issuer: "https://a.test", place: { kind: "file", path }, logger }), logger };
}

describe("a set of keys", () => {
  it("takes public keys that can verify and have a name, and leaves the others out", () => {
    const keys = [
      { ...ec, kid: "good", use: "sig" },
      { ...rsa(2_048), kid: "rsa" },
      { ...rsa(1_024), kid: "weak" },
      { ...ec, kid: "for encryption", use: "enc" },
      { kty: "oct", k: "c2VjcmV0", kid: "shared" },
      { ...ec, x: "AAAA", kid: "not on the curve" },
      ec,
      null,
      "k",
    ];
    expect([...parseKeySet(JSON.stringify({ keys })).keys()]).toEqual(["good", "rsa"]);
  });

  it.each(["", "[]", "{}", '{"keys":{}}', JSON.stringify({ keys: Array(101).fill({}) })])("is none: %s", (text) => {
    expect(() => parseKeySet(text)).toThrow();
  });

  it("is read again for a key that it lacks, though not for every token that names one", async () => {
    await writeFile(path, named("a"));
    const { keys } = open();
    expect(await keys.find("a", at(0))).toBeDefined();
    await writeFile(path, named("a", "b"));
    expect(await keys.find("b", at(9_999))).toBeUndefined();
    expect(await keys.find("b", at(10_000))).toBeDefined();
    await writeFile(path, named("c"));
    expect(await keys.find("a", at(19_999))).toBeDefined();
    expect(await keys.find("a", at(20_000))).toBeUndefined();
  });

  it("serves an hour longer when it cannot be read, says so, and then refuses", async () => {
    await writeFile(path, named("a"));
    const { keys, logger } = open();
    await keys.find("a", at(0));
    await writeFile(path, "hunter2");
    expect(await keys.find("a", at(60_000))).toBeDefined();
    expect(logger.lines).toMatchObject([{ level: "warn", fields: { issuer: "https://a.test" } }]);
    await expect(keys.find("a", at(3_600_000))).rejects.toThrow("no keys of the issuer");
    await writeFile(path, named("a"));
    expect(await keys.find("a", at(3_611_000))).toBeDefined();
  });

  it("is asked for once when many want it first", async () => {
    await writeFile(path, named("a"));
    const { keys } = open();
    const found = await Promise.all(Array.from({ length: 20 }, () => keys.find("a", at(0))));
    expect(found.every((key) => key !== undefined && key === found[0])).toBe(true);
  });
});
