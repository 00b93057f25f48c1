// A real Vault that is sealed, killed, stopped, slow, cut off and started again under a client that keeps asking: an error
// with a reason within the deadline, and work again without a restart.
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { VaultRefused, VaultUnavailable } from "../../../src/vault/ports.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { startVaultProxy, type VaultProxy } from "../../fixtures/vault/proxy.ts";
import { type SealableVault, startSealableVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { failure, openClient, type TestClient, tokenLogin, until } from "./opened.ts";

/** For a loaded machine; what matters is that nothing waits for ever. */
const soonMs = 10_000;
const sign = "transit/sign/k";
const input = Buffer.from("text").toString("base64");

let server: SealableVault;
let proxy: VaultProxy;
let client: TestClient;
/** For what only its own deadline ends. */
let hasty: TestClient;

const signed = () => client.vault.write(sign, { input });
const signedInHaste = () => hasty.vault.write(sign, { input });

beforeAll(async () => {
  server = await startSealableVault();
  await server.admin("POST", "sys/mounts/transit", { type: "transit" });
  await server.admin("POST", "transit/keys/k", { type: "ecdsa-p256" });
  await server.admin("PUT", "sys/policies/acl/some", {
    policy: `path "transit/sign/*" { capabilities = ["update"] }`,
  });
  proxy = await startVaultProxy(server.address);
  const token = await makeToken(server.admin, { policies: ["some"] });
  client = await openClient(proxy.address, tokenLogin(token));
  hasty = await openClient(proxy.address, tokenLogin(token), { timeoutMs: 1_000 });
  await signed();
  // Its second is not meant for the login.
  await until(() => isDone(hasty.vault.requireUsable()));
}, vaultStartMs);

afterEach(() => {
  proxy.mode({ kind: "pass" });
  server.go();
});

afterAll(async () => {
  await client?.vault.close();
  await hasty?.vault.close();
  await proxy?.close();
  await server?.stop();
});

/** The fault, and that it came in time. */
async function faultOf(work: Promise<unknown>): Promise<string> {
  const begun = performance.now();
  const error = await failure(work);
  expect(performance.now() - begun).toBeLessThan(soonMs);
  expect(error).toBeInstanceOf(VaultUnavailable);
  return (error as VaultUnavailable).fault;
}

function isDone(work: Promise<unknown>): Promise<boolean> {
  return work.then(
    () => true,
    () => false,
  );
}

const works = () => isDone(signed());

describe("SEC-07 Vault", () => {
  it("sealed is unavailable, says sealed, and is of use again once it is unsealed", async () => {
    await server.seal();
    expect(await faultOf(signed())).toBe("sealed");
    await until(async () => (await client.vault.health()) === "sealed");
    await server.unseal();
    await until(works);
    await until(async () => (await client.vault.health()) === "active");
  });

  it("killed is unavailable, and is of use again once it is started and unsealed", async () => {
    await server.kill();
    expect(await faultOf(signed())).toBe("connection");
    await until(async () => (await client.vault.health()) === "unreachable");
    await server.start();
    await until(async () => (await client.vault.health()) === "sealed");
    await server.unseal();
    await until(works);
  });

  it("that stands still is unavailable at the deadline, and is of use again when it goes on", async () => {
    await server.halt();
    expect(await faultOf(signedInHaste())).toBe("deadline");
    await until(async () => (await client.vault.health()) === "unreachable");
    server.go();
    await until(works);
  });

  it("slowed to five seconds is unavailable at the deadline, however many ask", async () => {
    proxy.mode({ kind: "slow", ms: 5_000 });
    const faults = await Promise.all(Array.from({ length: 50 }, () => faultOf(signedInHaste())));
    expect(new Set(faults)).toEqual(new Set(["deadline"]));
    proxy.mode({ kind: "pass" });
    await until(works);
  });

  it("that answers nothing is unavailable at the caller's own deadline, when that is shorter", async () => {
    proxy.mode({ kind: "silent" });
    const controller = new AbortController();
    const work = client.vault.write(sign, { input }, controller.signal);
    controller.abort();
    expect(await faultOf(work)).toBe("deadline");
    const asked = client.seen.length;
    expect(await faultOf(client.vault.read("transit/keys/k", AbortSignal.abort()))).toBe("deadline");
    expect(client.seen.slice(asked)).toEqual([{ pathTemplate: "transit/keys/:name", outcome: "deadline" }]);
    expect(proxy.sent).not.toContain("/transit/keys/k");
  });

  it("that cuts connections is unavailable", async () => {
    proxy.mode({ kind: "cut" });
    expect(await faultOf(signed())).toBe("connection");
  });

  it("that closed an idle connection costs a signature nothing", async () => {
    for (let round = 0; round < 20; round += 1) {
      await signed();
      proxy.drop();
      await signed();
    }
  });

  it.each<[string, string, string]>([
    ["a quota", "429 Too Many Requests", "overloaded"],
    ["an internal error", "500 Internal Server Error", "server-error"],
    ["a bad gateway", "502 Bad Gateway", "server-error"],
    ["a standby that cannot do it", "473 Standby", "server-error"],
    ["a redirect", "307 Temporary Redirect\r\nlocation: http://127.0.0.1:9/v1/transit/sign/k", "redirect"],
  ])("that answers with %s is unavailable", async (_, status, fault) => {
    proxy.mode({ kind: "say", text: `HTTP/1.1 ${status}\r\ncontent-length: 0\r\n\r\n` });
    expect(await faultOf(signed())).toBe(fault);
  });

  it("whose node stays behind is asked again, and then unavailable", async () => {
    const token = await makeToken(server.admin, { policies: ["some"] });
    const other = await openClient(proxy.address, tokenLogin(token));
    await other.vault.requireUsable();
    proxy.mode({ kind: "say", text: "HTTP/1.1 412 Precondition Failed\r\ncontent-length: 0\r\n\r\n" });
    expect(await faultOf(other.vault.write(sign, { input }))).toBe("behind");
    expect(other.count("transit/sign/:name")).toBe(6);
    await other.vault.close();
  });

  it.each([
    ["no JSON", "<html>proxy</html>"],
    ["a list", "[]"],
    ["half of it", '{"data":{"signature":"vault'],
  ])("in whose place something answers with %s is unavailable", async (_, body) => {
    const text = `HTTP/1.1 200 OK\r\ncontent-length: ${body.length}\r\n\r\n${body}`;
    proxy.mode({ kind: "say", text });
    expect(await faultOf(signed())).toBe("answer");
  });

  it("that sends more than any answer has is unavailable, and the rest is not read", async () => {
    const token = await makeToken(server.admin, { policies: ["some"] });
    const other = await openClient(proxy.address, tokenLogin(token));
    await other.vault.requireUsable();
    const long = 64 * 1024 * 1024;
    const text = `HTTP/1.1 200 OK\r\ncontent-length: ${long}\r\n\r\n${" ".repeat(9 * 1024 * 1024)}`;
    proxy.mode({ kind: "say", text });
    expect(await faultOf(other.vault.write(sign, { input }))).toBe("answer");
    await other.vault.close();
  });

  it("that takes the token no more refuses, and calls that come meanwhile do not each log in", async () => {
    const token = await makeToken(server.admin, { policies: ["some"] });
    const other = await openClient(proxy.address, tokenLogin(token));
    await other.vault.write(sign, { input });
    other.standStill();
    // A token that is younger than a second may only lack a right.
    other.later(1_100);
    await server.admin("POST", "auth/token/revoke", { token });
    const before = other.count("auth/token/lookup-self");
    const errors = await Promise.all(Array.from({ length: 20 }, () => failure(other.vault.write(sign, { input }))));
    expect(errors.every((error) => error instanceof VaultRefused && error.status === 403)).toBe(true);
    expect(errors.map((error) => (error as VaultRefused).refusal)).toContain("login-refused");
    expect(other.count("auth/token/lookup-self") - before).toBeLessThan(4);
    await other.vault.close();
  });

  it("whose policy or mount is taken away refuses with the reason, and is of use again when it is put back", async () => {
    const policy = `path "transit/sign/*" { capabilities = ["update"] }`;
    await server.admin("PUT", "sys/policies/acl/some", { policy: `path "none" { capabilities = ["read"] }` });
    expect(await failure(signed())).toMatchObject({ name: "VaultRefused", refusal: "forbidden" });
    await server.admin("PUT", "sys/policies/acl/some", { policy });
    await until(works);
    await server.admin("POST", "sys/remount", { from: "transit", to: "moved" });
    await until(async () => (await server.admin("GET", "sys/mounts")).data["moved/"] !== undefined);
    expect(await failure(signed())).toMatchObject({ name: "VaultRefused", refusal: "wrong-mount" });
    await server.admin("POST", "sys/remount", { from: "moved", to: "transit" });
    await until(works);
  });

  it("is asked nothing any more once the client is closed", async () => {
    const other = await openClient(proxy.address, tokenLogin(await makeToken(server.admin)));
    proxy.mode({ kind: "silent" });
    const underWay = failure(other.vault.read("transit/keys/k"));
    await other.vault.close();
    await other.vault.close();
    expect(await underWay).toMatchObject({ name: "VaultUnavailable" });
    expect(await faultOf(other.vault.read("transit/keys/k"))).toBe("closed");
  });
});
