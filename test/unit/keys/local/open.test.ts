// The local key home from its files: first start, next start, and everything that must stop a start in one sentence.
import { randomBytes } from "node:crypto";
import {
  chmod,
  copyFile,
  link,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rm,
  stat,
  symlink,
  writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { Secret } from "../../../../src/kernel/secret.ts";
import { StartRefused } from "../../../../src/kernel/start-refused.ts";
import { thumbprintOf } from "../../../../src/keys/jwk.ts";
import { newSigningKey, newWrappingKeys } from "../../../../src/keys/local/document.ts";
import { openKeyFile } from "../../../../src/keys/local/key-file.ts";
import { loadMasterKey, refuseLocalKeysBeyondLoopback } from "../../../../src/keys/local/master-key.ts";
import { type LocalHomeDeps, openLocalHome } from "../../../../src/keys/local/open.ts";
import { installationId, settableClock } from "../doubles.ts";

let dataDir: string;
let keysFile: string;
let masterFile: string;
beforeEach(async () => {
  dataDir = await mkdtemp(join(tmpdir(), "gatehouse-keys-"));
  keysFile = join(dataDir, "keys", "keys.json");
  masterFile = join(dataDir, "keys", "master.key");
});
afterEach(() => rm(dataDir, { recursive: true }));

const context = Buffer.from("row");

function start(changes: Partial<LocalHomeDeps> = {}) {
  const deps: LocalHomeDeps = {
    dataDir,
    masterKey: undefined,
    installationId,
    clock: settableClock(),
    mayCreate: true,
    ...changes,
  };
  return openLocalHome(deps);
}

/** The refusal's text, which must be one sentence and must not hold what the key files hold. */
async function refusal(changes: Partial<LocalHomeDeps> = {}): Promise<string> {
  const error = await start(changes).then(
    () => new Error("started"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof StartRefused)) throw error;
  expect(error.message).not.toMatch(/\n|\.$|[A-Za-z0-9+/]{40,}/);
  return error.message;
}

async function editKeysFile(edit: (file: Record<string, string>) => void): Promise<void> {
  const file = JSON.parse(await readFile(keysFile, "utf8"));
  edit(file);
  await writeFile(keysFile, JSON.stringify(file), { mode: 0o600 });
}

describe("local key home", () => {
  it("makes its files at the first start, for the owner alone, and finds the same keys at the next", async () => {
    const first = await start();
    const again = await start();
    expect([first.former, again.former]).toEqual([[], []]);
    const key = await first.signing.generate("ES256", 1);
    expect((await again.signing.sign(key, Buffer.from("x"))).length).toBe(64);
    expect(again.kek).toEqual(first.kek);
    const [made] = await first.wrapper.generateDataKeys([context]);
    expect(await again.wrapper.unwrap([{ wrapped: made!.wrapped, context }])).toEqual([made!.plaintext]);
    expect(await readdir(join(dataDir, "keys"))).toEqual(["keys.json", "master.key"]);
    for (const path of [keysFile, masterFile]) expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(dataDir, "keys"))).mode & 0o777).toBe(0o700);
  });

  it("KEY-09 removes what a crashed write left of the master key, but not what another start is writing", async () => {
    const clock = settableClock(Date.now());
    await start({ clock });
    const left = `${masterFile}.0123456789abcdef.tmp`;
    await link(masterFile, left);
    await start({ clock });
    expect(await readdir(join(dataDir, "keys"))).toContain("master.key.0123456789abcdef.tmp");
    clock.time += 120_000;
    await start({ clock });
    expect(await readdir(join(dataDir, "keys"))).toEqual(["keys.json", "master.key"]);
  });

  it("agrees on one set of keys when two starts race", async () => {
    const homes = await Promise.all([start(), start(), start()]);
    expect(new Set(homes.map((home) => home.kek.id)).size).toBe(1);
    const key = await homes[0].signing.generate("ES256", 1);
    for (const home of homes) expect((await home.signing.sign(key, Buffer.from("x"))).length).toBe(64);
  });

  it("hands over the signing keys of a former file, and lets go of them when they are taken over", async () => {
    const installed = await openKeyFile({ path: keysFile, installationId });
    await mkdir(join(dataDir, "keys"), { mode: 0o700 });
    const master = await loadMasterKey(undefined, masterFile, true);
    const createdAt = "2026-01-01T00:00:00.000Z";
    const [old, current] = [await newSigningKey("ES256"), await newSigningKey("EdDSA")];
    const signing = [
      { ...old, state: "deactivated" as const, createdAt },
      { ...current, state: "active" as const, createdAt },
      { ...(await newSigningKey("ES256")), state: "destroyed" as const, createdAt },
    ];
    await installed.create(master, { wrapping: newWrappingKeys(new Date(0)), signing });
    const home = await start();
    expect(home.former.map(({ key, signs }) => [thumbprintOf(key.jwk), key.algorithm, signs])).toEqual([
      [old.kid, "ES256", false],
      [current.kid, "EdDSA", true],
    ]);
    const [first] = home.former;
    expect((await home.signing.sign(first!.key, Buffer.from("x"))).length).toBe(64);
    expect((await start()).former).toHaveLength(2);
    await home.forgetFormer();
    const after = await start();
    expect(after.former).toEqual([]);
    expect((await after.signing.sign(first!.key, Buffer.from("x"))).length).toBe(64);
  });

  it("KEY-09 with an external master key nothing in the data directory opens anything", async () => {
    const key = randomBytes(32);
    const masterKey = new Secret(key.toString("base64"));
    const home = await start({ masterKey });
    expect(home.masterKeyIsExternal).toBe(true);
    expect(await readdir(join(dataDir, "keys"))).toEqual(["keys.json"]);
    const [made] = await home.wrapper.generateDataKeys([context]);
    const disk = Buffer.concat([await readFile(keysFile), made!.wrapped.ciphertext]);
    for (const form of [key, made!.plaintext]) {
      for (const encoding of ["latin1", "base64", "base64url", "hex"] as const)
        expect(disk.includes(form.toString(encoding), 0, "latin1")).toBe(false);
    }
    expect(disk.toString("latin1")).not.toMatch(/PRIVATE|pkcs8/);
    // Not in what is sealed, where three given bytes may stand by chance.
    expect(await readFile(keysFile, "utf8")).not.toContain('"d"');
    expect(await refusal()).toContain("master.key is missing and GATEHOUSE_MASTER_KEY is not set");
    expect((await start({ masterKey })).kek).toEqual(home.kek);
  });

  it.each(["base64", "base64url", "hex"] as const)("takes the master key in %s", async (encoding) => {
    const key = randomBytes(32);
    const home = await start({ masterKey: new Secret(key.toString("base64")) });
    expect((await start({ masterKey: new Secret(` ${key.toString(encoding)}\n`) })).kek).toEqual(home.kek);
  });

  it("KEY-08 gets another version of its wrapping key when it is told to, once, and keeps the one before", async () => {
    const [made] = await (await start()).wrapper.generateDataKeys([context]);
    if (made === undefined) throw new TypeError("no key");
    expect((await start({ rotateWrapping: true })).kek.version).toBe(2);
    const next = await start({ mayCreate: false });
    expect(next.kek.version).toBe(2);
    expect(await next.wrapper.unwrap([{ wrapped: made.wrapped, context }])).toEqual([made.plaintext]);
    expect((await stat(keysFile)).mode & 0o777).toBe(0o600);
  });

  it("lets the operator move the master key out of the data directory", async () => {
    const home = await start();
    const masterKey = new Secret(await readFile(masterFile, "utf8"));
    await rm(masterFile);
    expect((await start({ masterKey })).kek).toEqual(home.kek);
  });
});

describe("local key home refuses to start", () => {
  it.each([
    ["short", randomBytes(31).toString("base64")],
    ["long", randomBytes(33).toString("base64")],
    ["empty", ""],
    ["a phrase", "correct horse battery staple, and so on"],
  ])("JWT-07 with a master key that is no 32 bytes: %s", async (_title, text) => {
    expect(await refusal({ masterKey: new Secret(text) })).toMatch(/^GATEHOUSE_MASTER_KEY must hold 32 random bytes/);
    expect(await readdir(join(dataDir, "keys"))).toEqual([]);
  });

  it.each([
    ["zeros", Buffer.alloc(32).toString("base64")],
    ["a repeated pattern", "0123456789abcdef".repeat(4)],
    ["text of 32 letters", Buffer.from("the quick brown fox jumps over 1").toString("base64")],
  ])("JWT-07 with a master key that was chosen: %s", async (_title, text) => {
    expect(await refusal({ masterKey: new Secret(text) })).toContain("looks chosen rather than random");
  });

  it("with another master key, and says which two", async () => {
    await start();
    expect(await refusal({ masterKey: new Secret(randomBytes(32).toString("base64")) })).toMatch(
      /keys\.json was sealed by master key [0-9a-f]{16}, but the one given is [0-9a-f]{16}$/,
    );
  });

  it("with another master key, when the header was changed to hide it", async () => {
    const other = new Secret(randomBytes(32).toString("base64"));
    await start({ masterKey: other });
    const id = JSON.parse(await readFile(keysFile, "utf8")).masterKey;
    await rm(keysFile);
    await start();
    await editKeysFile((file) => (file.masterKey = id));
    expect(await refusal({ masterKey: other })).toContain("keys.json is damaged");
  });

  it("with the keys of another installation, also when the header was changed to hide it", async () => {
    await start();
    expect(await refusal({ installationId: "018f0000-0000-7000-8000-000000000002" })).toMatch(
      /belongs to installation 018f0000.*001, but the database is of 018f0000.*002$/,
    );
    await editKeysFile((file) => (file.installation = "018f0000-0000-7000-8000-000000000002"));
    expect(await refusal({ installationId: "018f0000-0000-7000-8000-000000000002" })).toContain("keys.json is damaged");
  });

  it("with a damaged key file: cut anywhere, any character changed, or not JSON at all", async () => {
    await start();
    const whole = await readFile(keysFile);
    const sealedFrom = whole.indexOf('"sealed": "') + 11;
    const cuts = [0, 1, 10, whole.length >> 1, whole.length - 4].map((length) => whole.subarray(0, length));
    const changed = [0, 1, 20, 40, 90, 200].map((at) => {
      const copy = Buffer.from(whole);
      copy[sealedFrom + at] = copy[sealedFrom + at] === 65 ? 66 : 65;
      return copy;
    });
    for (const bytes of [
      ...cuts,
      ...changed,
      Buffer.from("null"),
      Buffer.from("[]"),
      Buffer.from('{"sealed":1}'),
      randomBytes(500),
    ]) {
      await writeFile(keysFile, bytes);
      expect(await refusal()).toMatch(/keys\.json is damaged: restore it from a backup$/);
      expect(await readFile(keysFile)).toEqual(Buffer.from(bytes));
    }
  });

  it("KEY-10 with a format that it does not know", async () => {
    await start();
    await editKeysFile((file) => (file.format = "gatehouse-keys/v2"));
    expect(await refusal()).toContain("a format that this version does not read");
  });

  it("with key files that others may read or write", async () => {
    await start();
    for (const [path, mode] of [
      [keysFile, 0o640],
      [keysFile, 0o604],
      [masterFile, 0o620],
      [join(dataDir, "keys"), 0o750],
    ] as const) {
      const before = (await stat(path)).mode & 0o777;
      await chmod(path, mode);
      expect(await refusal()).toContain("is open to other users (mode 0");
      await chmod(path, before);
    }
    await start();
  });

  it("with a key file that is a symbolic link", async () => {
    await start();
    const elsewhere = join(dataDir, "elsewhere");
    await copyFile(keysFile, elsewhere);
    await rm(keysFile);
    await symlink(elsewhere, keysFile);
    expect(await refusal()).toMatch(/^cannot read .*keys\.json \(ELOOP\)$/);
  });

  it("with a directory in place of a file, and a file in place of the directory", async () => {
    await mkdir(keysFile, { recursive: true, mode: 0o700 });
    await chmod(join(dataDir, "keys"), 0o700);
    expect(await refusal()).toMatch(/cannot read .*keys\.json \(EISDIR\)|keys\.json .*open to other users/);
    await rm(join(dataDir, "keys"), { recursive: true });
    await writeFile(join(dataDir, "keys"), "");
    expect(await refusal()).toMatch(/^cannot create .*keys \(EEXIST\)$/);
  });

  it("without its key file when the database holds what only its keys open, and makes no new one", async () => {
    await start();
    await rm(keysFile);
    expect(await refusal({ mayCreate: false })).toContain("keys.json is missing, but the database holds data");
    expect(await readdir(join(dataDir, "keys"))).toEqual(["master.key"]);
  });

  it("beyond loopback when the master key lies beside the data", () => {
    expect(() => refuseLocalKeysBeyondLoopback(false, false)).toThrow(StartRefused);
    for (const [loopback, external] of [
      [true, false],
      [true, true],
      [false, true],
    ] as const) {
      expect(() => refuseLocalKeysBeyondLoopback(loopback, external)).not.toThrow();
    }
  });
});
