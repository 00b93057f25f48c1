// The vault home on a real Vault under the least policy: signatures travel together, answers are looked at before they are
// believed, and neither a changed key nor a Vault in trouble makes anything but a refusal.
import { createPublicKey, randomBytes, verify } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { KeyHomeRefused, KeyHomeUnavailable } from "../../../src/keys/ports.ts";
import { openVaultHome, type VaultHome, type VaultLink } from "../../../src/keys/vault/open.ts";
import type { VaultClient } from "../../../src/vault/ports.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { vaultStartMs } from "../../fixtures/vault/servers.ts";
import { failure, openClient, tokenLogin, until } from "../vault/opened.ts";
import { startVaultWorld, type VaultWorld } from "./vault-world.ts";

let world: VaultWorld;
let home: VaultHome;
let counter = 0;
const installationId = "018f0000-0000-7000-8000-0000000000aa";
const input = Buffer.from("header.payload");
/** A deadline, and what a busy machine adds: far from the slow one, and from never. */
const soonMs = 12_000;
const slowMs = 30_000;

beforeAll(async () => {
  world = await startVaultWorld();
  home = await open();
}, vaultStartMs);
afterEach(() => world.proxy.mode({ kind: "pass" }));
afterAll(() => world?.stop());

function open(link: Partial<VaultLink> = {}, id = installationId, mayCreate = true) {
  return openVaultHome({ vault: { ...world.link(), ...link }, installationId: id, mayCreate });
}

/** The client with other answers to writes of `path`. */
function tampering(change: (data: Record<string, unknown>, path: string) => Record<string, unknown>): VaultClient {
  const { vault } = world.client;
  return { ...vault, write: async (path, body) => change({ ...(await vault.write(path, body)) }, path) };
}

async function freshKey(algorithm: "ES256" | "EdDSA" = "ES256") {
  counter += 1;
  return await home.signing.generate(algorithm, counter);
}

function inSignatures(data: Record<string, unknown>, change: (signature: string) => object): Record<string, unknown> {
  const results = data.batch_results as readonly { readonly signature: string }[];
  return { ...data, batch_results: results.map((one, at) => (at === 0 ? one : { ...one, ...change(one.signature) })) };
}

async function inTime(work: Promise<unknown>): Promise<Error> {
  const begun = performance.now();
  const error = await failure(work);
  expect(performance.now() - begun).toBeLessThan(soonMs);
  return error;
}

describe("signatures of the vault home", () => {
  it("travel together: 64 at once in two calls, a lone one by itself, and each is its own", async () => {
    const key = await freshKey();
    const before = world.batches.length;
    const inputs = Array.from({ length: 64 }, (_, at) => Buffer.from(`input ${at}`));
    const signatures = await Promise.all(inputs.map((one) => home.signing.sign(key, one)));
    expect(world.batches.slice(before)).toEqual([
      { operation: "sign", size: 32 },
      { operation: "sign", size: 32 },
    ]);
    await home.signing.sign(key, input);
    expect(world.batches.at(-1)).toEqual({ operation: "sign", size: 1 });
    const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
    const right = inputs.map((one, at) =>
      verify("sha256", one, { key: publicKey, dsaEncoding: "ieee-p1363" }, signatures[at]!),
    );
    expect(right.every(Boolean)).toBe(true);
  });

  it("KEY-09 are of a key that Transit neither exports nor backs up, made once by replicas that race", async () => {
    counter += 1;
    const replicas = await Promise.all([open(), open(), open(), open()]);
    const made = await Promise.all(replicas.map(({ signing }) => signing.generate("ES256", counter)));
    expect(new Set(made.map(({ jwk }) => JSON.stringify(jwk))).size).toBe(1);
    const [name = ""] = made[0]!.handle.split(":");
    const { data } = await world.server.admin("GET", `transit/keys/${name}`);
    expect(data).toMatchObject({ exportable: false, allow_plaintext_backup: false, deletion_allowed: false });
    expect(Object.keys(data.keys as object)).toEqual(["1"]);
    const token = await makeToken(world.server.admin, { policies: ["gatehouse"] });
    const least = await openClient(world.server.address, tokenLogin(token));
    for (const path of [`transit/export/signing-key/${name}`, `transit/backup/${name}`])
      expect(await failure(least.vault.read(path))).toMatchObject({ refusal: "forbidden" });
    const other = { type: "ecdsa-p256", exportable: true };
    expect(await failure(least.vault.write("transit/keys/gatehouse-x", other))).toMatchObject({ refusal: "forbidden" });
    await least.vault.close();
  });

  it("keep what is signed out of Vault, but for Ed25519, which takes it whole", async () => {
    const before = world.proxy.sent.length;
    await home.signing.sign(await freshKey(), Buffer.from("a-very-secret-claim"));
    const sent = world.proxy.sent.slice(before);
    expect(sent).not.toContain(Buffer.from("a-very-secret-claim").toString("base64"));
    expect(sent).toContain("prehashed");
  });

  it("stay those of version 1 when somebody rotates the key by hand", async () => {
    const key = await freshKey();
    const [name = ""] = key.handle.split(":");
    await world.server.admin("POST", `transit/keys/${name}/rotate`);
    const signature = await home.signing.sign(key, input);
    const publicKey = createPublicKey({ key: { ...key.jwk }, format: "jwk" });
    expect(verify("sha256", input, { key: publicKey, dsaEncoding: "ieee-p1363" }, signature)).toBe(true);
    await world.server.admin("POST", `transit/keys/${name}/config`, { min_encryption_version: 2 });
    expect(await failure(home.signing.sign(key, input))).toBeInstanceOf(KeyHomeRefused);
  });

  it("are refused when the key was replaced under its name", async () => {
    const key = await freshKey();
    const [name = ""] = key.handle.split(":");
    await world.server.admin("POST", `transit/keys/${name}/config`, { deletion_allowed: true });
    await world.server.admin("DELETE", `transit/keys/${name}`);
    expect(await failure(home.signing.sign(key, input))).toBeInstanceOf(KeyHomeRefused);
    await world.server.admin("POST", `transit/keys/${name}`, { type: "ecdsa-p256" });
    expect((await failure(home.signing.sign(key, input))).message).toContain("another key than the one");
  });

  it.each<[string, (signature: string) => object]>([
    ["of another version", (text) => ({ signature: text.replace("v1", "v2") })],
    ["said to be of another version", () => ({ key_version: 2 })],
    ["cut short", (text) => ({ signature: text.slice(0, -4) })],
    ["longer", (text) => ({ signature: `${text}AAAA` })],
    ["in no form of Vault's", () => ({ signature: "hello" })],
    ["missing", () => ({ signature: undefined, error: "no" })],
    ["a number", () => ({ signature: 1 })],
  ])("are refused one by one: the second is %s", async (_, change) => {
    const key = await freshKey();
    const client = tampering((data, path) => (path.includes("/sign/") ? inSignatures(data, change) : data));
    const { signing } = await open({ client });
    const [good, bad] = await Promise.allSettled([signing.sign(key, input), signing.sign(key, input)]);
    expect(good.status).toBe("fulfilled");
    expect(bad).toMatchObject({ status: "rejected", reason: { name: "KeyHomeRefused" } });
  });

  it("fail one by one when Vault refuses one of a batch", async () => {
    const key = await freshKey();
    const client = tampering((data) => {
      const results = data.batch_results as readonly object[] | undefined;
      if (results === undefined) return data;
      return { ...data, batch_results: results.map((one, at) => (at === 1 ? { error: "x", key_version: 0 } : one)) };
    });
    const { signing } = await open({ client });
    const settled = await Promise.allSettled([1, 2, 3].map((one) => signing.sign(key, Buffer.from(`${one}`))));
    expect(settled.map(({ status }) => status)).toEqual(["fulfilled", "rejected", "fulfilled"]);
  });

  it.each<[string, unknown]>([
    ["too few", []],
    ["no list", "x"],
    ["of no objects", [null]],
  ])("are none when the answers are %s", async (_, results) => {
    const key = await freshKey();
    const client = tampering((data, path) => (path.includes("/sign/") ? { batch_results: results } : data));
    const { signing } = await open({ client });
    expect(await failure(signing.sign(key, input))).toBeInstanceOf(KeyHomeUnavailable);
  });

  it("never come for a handle of another installation, algorithm or path", async () => {
    const [key, other] = [await freshKey(), await freshKey("EdDSA")];
    const sent = world.proxy.sent.length;
    const handles = [other.handle, "", key.handle.replace("aa", "ab"), `../${key.handle}`, `${key.handle}0x`, "x:1"];
    for (const handle of handles)
      await expect(home.signing.sign({ ...key, handle }, input)).rejects.toThrow("names no signing key");
    expect(world.proxy.sent.length).toBe(sent);
  });
});

describe("SEC-07 the vault home when Vault", () => {
  it("is silent or slow: everybody is answered by the deadline, those in line as well", async () => {
    const patient = await open();
    const key = await freshKey();
    const short = await open({ deadlineMs: 300 });
    for (const kind of [{ kind: "silent" }, { kind: "slow", ms: slowMs }] as const) {
      world.proxy.mode(kind);
      const errors = await Promise.all(Array.from({ length: 300 }, () => inTime(short.signing.sign(key, input))));
      expect(errors.every((error) => error instanceof KeyHomeUnavailable)).toBe(true);
      world.proxy.mode({ kind: "pass" });
      world.proxy.drop();
      await until(() => short.signing.sign(key, input).then(Buffer.isBuffer, () => false));
    }
    await patient.signing.sign(key, input);
  });

  it("is slow and more wait than may: the rest are told at once", async () => {
    const key = await freshKey();
    const narrow = await open({ backlog: 10, deadlineMs: 500 });
    world.proxy.mode({ kind: "silent" });
    const errors = await Promise.all(Array.from({ length: 30 }, () => inTime(narrow.signing.sign(key, input))));
    expect(errors.filter(({ message }) => message.includes("too many"))).toHaveLength(20);
    world.proxy.mode({ kind: "pass" });
    world.proxy.drop();
  });

  it("is sealed: unavailable, and of use again once it is unsealed", async () => {
    const key = await freshKey();
    await world.server.seal();
    expect(await inTime(home.signing.sign(key, input))).toBeInstanceOf(KeyHomeUnavailable);
    expect(await inTime(home.wrapper.generateDataKeys([input]))).toBeInstanceOf(KeyHomeUnavailable);
    await world.server.unseal();
    await until(() => home.signing.sign(key, input).then(Buffer.isBuffer, () => false));
  });

  it("forbids, or has no such mount: refused, which no cached key outlives", async () => {
    const token = await makeToken(world.server.admin, { policies: ["default"] });
    const powerless = await openClient(world.server.address, tokenLogin(token));
    expect(await failure(open({ client: powerless.vault }))).toBeInstanceOf(KeyHomeRefused);
    await powerless.vault.close();
    expect(await failure(open({ transitMount: "elsewhere" }))).toBeInstanceOf(KeyHomeRefused);
  });

  it("SEC-05 fails, no error holds a key, a token or a body", async () => {
    const dataKey = randomBytes(32);
    world.proxy.mode({ kind: "say", text: "HTTP/1.1 500 Oops\r\ncontent-length: 2\r\n\r\n{}" });
    const error = await failure(home.wrapper.wrap([{ dataKey, context: input }]));
    world.proxy.mode({ kind: "pass" });
    const shown = `${error.stack} ${JSON.stringify(error)} ${String(error.cause)} ${JSON.stringify(error.cause)}`;
    expect(shown).not.toContain(dataKey.toString("base64"));
    expect(shown).not.toMatch(/hvs\.|plaintext|batch_input/);
  });
});

describe("the wrapping key in Vault", () => {
  it("KEY-11 opens what it wrapped in every order and batch, and after it was rotated by hand", async () => {
    const contexts = Array.from({ length: 80 }, (_, at) => Buffer.from(`context ${at}`));
    const made = await home.wrapper.generateDataKeys(contexts);
    const [name = ""] = [`gatehouse-${installationId}-wrap`];
    await world.server.admin("POST", `transit/keys/${name}/rotate`);
    const [later] = await home.wrapper.generateDataKeys([input]);
    expect([made[0]?.wrapped.kekVersion, later?.wrapped.kekVersion]).toEqual([1, 2]);
    const items = made.map(({ wrapped }, at) => ({ wrapped, context: contexts[at]! }));
    const opened = await home.wrapper.unwrap([...items, { wrapped: later!.wrapped, context: input }]);
    expect(opened).toEqual([...made.map(({ plaintext }) => plaintext), later!.plaintext]);
    const rewritten = { ...later!.wrapped, kekVersion: 1 };
    expect(await home.wrapper.unwrap([{ wrapped: rewritten, context: input }])).toEqual([undefined]);
  });

  it("whose old versions were locked away refuses, rather than call the data damaged", async () => {
    const id = "018f0000-0000-7000-8000-0000000000bb";
    const locked = await open({}, id);
    const [made] = await locked.wrapper.generateDataKeys([input]);
    const name = `gatehouse-${id}-wrap`;
    await world.server.admin("POST", `transit/keys/${name}/rotate`);
    const [next] = await locked.wrapper.generateDataKeys([input]);
    await world.server.admin("POST", `transit/keys/${name}/config`, { min_decryption_version: 2 });
    const both = [made!, next!].map(({ wrapped }) => locked.wrapper.unwrap([{ wrapped, context: input }]));
    const [old, recent] = await Promise.allSettled(both);
    expect(recent).toMatchObject({ status: "fulfilled", value: [next!.plaintext] });
    expect(old).toMatchObject({ status: "rejected", reason: { name: "KeyHomeRefused" } });
  });

  it("refuses the start where it is gone though the database needs it, can leave, or is of another kind", async () => {
    const id = (last: string) => `018f0000-0000-7000-8000-0000000000${last}`;
    await expect(open({}, id("c1"), false)).rejects.toThrow("is missing in Vault");
    const name = (last: string) => `transit/keys/gatehouse-${id(last)}-wrap`;
    await world.server.admin("POST", name("c2"), { type: "aes256-gcm96", derived: true, exportable: true });
    await expect(open({}, id("c2"))).rejects.toThrow("can be read outside Vault");
    await world.server.admin("POST", name("c3"), { type: "aes256-gcm96" });
    await expect(open({}, id("c3"))).rejects.toThrow("not of the kind");
    await world.server.admin("POST", name("c4"), { type: "chacha20-poly1305", derived: true });
    await expect(open({}, id("c4"))).rejects.toThrow("not of the kind");
  });

  it("refuses the start where keys come into being by their use", async () => {
    await world.server.admin("POST", "transit/config/keys", { disable_upsert: false });
    await expect(open()).rejects.toThrow("keys init --home vault");
    await world.server.admin("POST", "transit/config/keys", { disable_upsert: true });
  });
});
