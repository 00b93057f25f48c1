// The client against a real Vault: what it reads, writes and refuses.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { VaultRefused } from "../../../src/vault/ports.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { startDevVault, type TestVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { failure, openClient, type TestClient, tokenLogin } from "./opened.ts";

let server: TestVault;
let client: TestClient;

beforeAll(async () => {
  server = await startDevVault();
  await server.admin("POST", "sys/mounts/transit", { type: "transit" });
  await server.admin("POST", "sys/mounts/team/transit", { type: "transit" });
  await server.admin("PUT", "sys/policies/acl/some", {
    policy: `path "transit/keys/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "transit/keys" { capabilities = ["list"] }
path "transit/sign/*" { capabilities = ["update"] }
path "transit/encrypt/*" { capabilities = ["update"] }
path "nothere/*" { capabilities = ["create", "read", "update", "delete", "list"] }
path "secret/*" { capabilities = ["create", "read", "update", "delete", "list"] }`,
  });
  client = await openClient(server.address, tokenLogin(await makeToken(server.admin, { policies: ["some"] })));
}, vaultStartMs);

afterAll(async () => {
  await client?.vault.close();
  await server?.stop();
});

describe("a path", () => {
  it("is read, written, listed and removed", async () => {
    const { vault } = client;
    expect(await vault.read("transit/keys/absent")).toBeUndefined();
    expect(await vault.list("transit/keys")).toEqual([]);
    await vault.write("transit/keys/one", { type: "ecdsa-p256" });
    expect(await vault.read("transit/keys/one")).toMatchObject({ name: "one", type: "ecdsa-p256", latest_version: 1 });
    expect(await vault.list("transit/keys")).toEqual(["one"]);
    const input = Buffer.from("text").toString("base64");
    expect(await vault.write("transit/sign/one", { input, marshaling_algorithm: "jws" })).toEqual({
      signature: expect.stringMatching(/^vault:v1:[A-Za-z0-9_-]{86}$/),
      key_version: 1,
    });
    await vault.write("transit/keys/one/config", { deletion_allowed: true });
    await vault.remove("transit/keys/one");
    await vault.remove("transit/keys/one");
    expect(await vault.read("transit/keys/one")).toBeUndefined();
  });

  it("answers without data where Vault has none to give", async () => {
    await client.vault.write("transit/keys/two", {});
    expect(await client.vault.write("transit/keys/two/config", { deletion_allowed: false })).toBeTypeOf("object");
  });

  it.each([
    "../sys/seal",
    "transit/keys/../../sys/seal",
    "transit/keys/a b",
    "transit/keys/a?b",
    "transit/keys/a#b",
    "transit/keys/a%2e%2e",
    "transit/keys/a=b",
    "transit/keys/a'b",
    "transit/keys/a\r\nx: y",
    "transit//keys",
    "/transit/keys",
    "transit/keys/",
    "",
    ".",
    "transit/keys/…",
    `transit/${"a/".repeat(600)}a`,
  ])("CVE-2026-3605 that is not safe (%j) is not asked", async (path) => {
    const before = client.seen.length;
    const { vault } = client;
    for (const work of [vault.read(path), vault.list(path), vault.write(path, {}), vault.remove(path)])
      expect(await failure(work)).toBeInstanceOf(TypeError);
    expect(client.seen.length).toBe(before);
  });
});

describe("a refusal", () => {
  const input = Buffer.from("text").toString("base64");
  it.each<[string, () => Promise<unknown>, number, string, string]>([
    ["no right", () => client.vault.read("sys/mounts"), 403, "forbidden", "sys/mounts"],
    ["no key", () => client.vault.write("transit/sign/none", { input }), 400, "key-not-found", "transit/sign/:name"],
    ["no mount, read", () => client.vault.read("nothere/keys/x"), 404, "wrong-mount", "nothere/keys/:name"],
    ["no mount, written", () => client.vault.write("nothere/keys/x", {}), 404, "wrong-mount", "nothere/keys/:name"],
    ["no mount, listed", () => client.vault.list("nothere/keys"), 404, "wrong-mount", "nothere/keys"],
    ["another engine, read", () => client.vault.read("secret/keys/x"), 404, "wrong-mount", "secret/keys/:name"],
    ["another engine", () => client.vault.write("secret/sign/x", { input }), 404, "wrong-mount", "secret/sign/:name"],
    [
      "a wrong body",
      () => client.vault.write("transit/keys/z", { type: "none" }),
      400,
      "bad-request",
      "transit/keys/:name",
    ],
  ])("because of %s says so, and nothing of what was sent", async (_, work, status, refusal, pathTemplate) => {
    const error = await failure(work());
    expect(error).toBeInstanceOf(VaultRefused);
    expect(error).toMatchObject({ status, refusal, pathTemplate });
    expect(error.cause).toBeUndefined();
  });

  it("of a right is no reason to log in again", async () => {
    const before = client.count("auth/token/lookup-self");
    await Promise.all(Array.from({ length: 5 }, () => failure(client.vault.read("sys/mounts"))));
    // One question each whether the token lives; none of them takes another.
    expect(client.count("auth/token/lookup-self") - before).toBe(5);
    expect(client.log().match(/logged in to vault/g)).toHaveLength(1);
  });
});
