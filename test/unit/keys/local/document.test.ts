// The inside of the key file is read strictly, although only the holder of the master key can have written it.
import { generateKeyPairSync } from "node:crypto";
import { describe, expect, it } from "vitest";
import {
  importSigningKey,
  newSigningKey,
  newWrappingKeys,
  nextWrappingKey,
  readDocument,
  type StoredSigningKey,
} from "../../../../src/keys/local/document.ts";
import { createLocalSigningHome } from "../../../../src/keys/local/signing-home.ts";
import { createLocalWrapper } from "../../../../src/keys/local/wrapper.ts";
import { installationId } from "../doubles.ts";

const now = new Date(0);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value));
const context = Buffer.from("row");

async function storedKey(): Promise<StoredSigningKey> {
  return { ...(await newSigningKey("ES256")), state: "active", createdAt: now.toISOString() };
}

describe("key document", () => {
  it("is read as it was written", async () => {
    const document = { wrapping: newWrappingKeys(now), signing: [await storedKey()] };
    expect(readDocument(encode(document))).toEqual(document);
  });

  it("is refused when anything in it is not as written", async () => {
    const wrapping = newWrappingKeys(now);
    const [first] = wrapping.versions;
    const signing = await storedKey();
    const versions = (...list: unknown[]) => ({ wrapping: { ...wrapping, versions: list }, signing: [] });
    const wrong: unknown[] = [
      null,
      [],
      { wrapping },
      { wrapping, signing: {} },
      versions(),
      versions({ ...first, key: "AAAA" }),
      versions({ ...first, version: 0 }),
      versions({ ...first, version: "1" }),
      versions({ ...first, state: "compromised" }),
      versions({ ...first, state: "deactivated" }),
      versions(first, first),
      { wrapping, signing: [{ ...signing, algorithm: "HS256" }] },
      { wrapping, signing: [{ ...signing, algorithm: "none" }] },
      { wrapping, signing: [{ ...signing, kid: 1 }] },
      { wrapping, signing: [{ ...signing, state: "Active" }] },
    ];
    for (const value of wrong) expect(readDocument(encode(value)), JSON.stringify(value)?.slice(0, 80)).toBeUndefined();
    expect(readDocument(Buffer.from("{"))).toBeUndefined();
  });

  it("JWT-07 JWT-21 a signing key is taken only when it is sound, strong enough and named by its thumbprint", async () => {
    const good = await newSigningKey("ES256");
    const weak = generateKeyPairSync("rsa", {
      modulusLength: 2048,
      privateKeyEncoding: { format: "der", type: "pkcs8" },
      publicKeyEncoding: { format: "der", type: "spki" },
    });
    expect(importSigningKey(good)).toBeDefined();
    expect(importSigningKey({ ...good, kid: "chosen" })).toBeUndefined();
    expect(importSigningKey({ ...good, algorithm: "EdDSA" })).toBeUndefined();
    expect(importSigningKey({ ...good, privateKey: "AAAA" })).toBeUndefined();
    expect(
      importSigningKey({ ...good, algorithm: "RS256", privateKey: weak.privateKey.toString("base64") }),
    ).toBeUndefined();
    const home = createLocalSigningHome(newWrappingKeys(now), installationId);
    expect(home.adopt({ ...good, kid: "chosen" })).toBeUndefined();
  });
});

describe("key versions and states", () => {
  it("KEY-06 KEY-07 wrap under the newest active version, unwrap under earlier ones until they are destroyed", async () => {
    const old = newWrappingKeys(now);
    const [first] = old.versions;
    const second = { ...newWrappingKeys(now).versions[0]!, version: 2 };
    const [made] = await createLocalWrapper(old, installationId).generateDataKeys([context]);
    const item = { wrapped: made!.wrapped, context };
    const rotated = createLocalWrapper(
      { ...old, versions: [{ ...first!, state: "deactivated" }, second] },
      installationId,
    );
    expect(await rotated.unwrap([item])).toEqual([made!.plaintext]);
    const [rewrapped] = await rotated.wrap([{ dataKey: made!.plaintext, context }]);
    expect(rewrapped!.kekVersion).toBe(2);
    const after = createLocalWrapper({ ...old, versions: [{ ...first!, state: "destroyed" }, second] }, installationId);
    expect(await after.unwrap([item, { wrapped: rewrapped!, context }])).toEqual([undefined, made!.plaintext]);
  });

  it("KEY-09 KEY-06 a signing key opens under the version of the wrapping key that sealed it, until that is destroyed", async () => {
    const old = newWrappingKeys(now);
    const [first] = old.versions;
    const second = { ...newWrappingKeys(now).versions[0]!, version: 2 };
    const key = await createLocalSigningHome(old, installationId).generate("ES256", 1);
    const rotated = (state: "deactivated" | "destroyed") =>
      createLocalSigningHome({ ...old, versions: [{ ...first!, state }, second] }, installationId);
    expect((await rotated("deactivated").sign(key, Buffer.from("x"))).length).toBe(64);
    await expect(rotated("destroyed").sign(key, Buffer.from("x"))).rejects.toThrow("does not open");
  });

  it("KEY-04 a signing key opens under no other algorithm, public key or installation", async () => {
    const wrapping = newWrappingKeys(now);
    const home = createLocalSigningHome(wrapping, installationId);
    const [key, other] = [await home.generate("RS256", 1), await home.generate("RS256", 2)];
    expect((await home.sign(key, Buffer.from("x"))).length).toBe(384);
    await expect(home.sign({ ...key, algorithm: "PS256" }, Buffer.from("x"))).rejects.toThrow("does not open");
    await expect(home.sign({ ...key, jwk: other.jwk }, Buffer.from("x"))).rejects.toThrow("does not open");
    const elsewhere = createLocalSigningHome(wrapping, "018f0000-0000-7000-8000-000000000002");
    await expect(elsewhere.sign(key, Buffer.from("x"))).rejects.toThrow("does not open");
    home.erase();
    await expect(home.sign(key, Buffer.from("x"))).rejects.toThrow("does not open");
  });

  it("KEY-09 the wrapping key erased at the end opens nothing any more", async () => {
    const wrapper = createLocalWrapper(newWrappingKeys(now), installationId);
    const [made] = await wrapper.generateDataKeys([context]);
    wrapper.erase();
    expect(await wrapper.unwrap([{ wrapped: made!.wrapped, context }])).toEqual([undefined]);
  });
});

describe("another version of the wrapping key", () => {
  it("KEY-07 KEY-08 wraps from now on, opens what those before wrapped, and outlives the file's form", async () => {
    const first = newWrappingKeys(now);
    const context = Buffer.from("row");
    const [made] = await createLocalWrapper(first, installationId).generateDataKeys([context]);
    const later = new Date(now.getTime() + 1000);
    const third = nextWrappingKey(nextWrappingKey(first, later), later);
    expect(third.versions.map(({ version, state }) => [version, state])).toEqual([
      [1, "deactivated"],
      [2, "deactivated"],
      [3, "active"],
    ]);
    expect(new Set(third.versions.map(({ key }) => key)).size).toBe(3);
    const read = readDocument(Buffer.from(JSON.stringify({ wrapping: third, signing: [] })));
    expect(read?.wrapping).toEqual(third);
    const wrapper = createLocalWrapper(third, installationId);
    if (made === undefined) throw new TypeError("no key");
    const [opened] = await wrapper.unwrap([{ wrapped: made.wrapped, context }]);
    expect(opened).toEqual(made.plaintext);
    const [anew] = await wrapper.wrap([{ dataKey: made.plaintext, context }]);
    expect(anew).toMatchObject({ kekId: first.id, kekVersion: 3 });
    if (anew === undefined) throw new TypeError("not wrapped");
    expect(await createLocalWrapper(first, installationId).unwrap([{ wrapped: anew, context }])).toEqual([undefined]);
  });
});
