// What the client believes of answers, and which of them it waits for: more traps of Vault clients (docs/decisions/0038).
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { liveToken, type ScriptedVault, startScriptedVault } from "../../fixtures/vault/scripted.ts";
import { failure, openClient, tokenLogin } from "./opened.ts";

const token = "hvs.token";

let server: ScriptedVault;

beforeEach(async () => {
  server = await startScriptedVault();
});
afterEach(() => server.close());

const isLookup = (url: string) => url.endsWith("/lookup-self");

/** Answers everything but the look-up of the token with `answer`. */
function answering(answer: ReturnType<Parameters<ScriptedVault["script"]>[0]>): void {
  server.script(({ url }) => (isLookup(url) ? liveToken : answer));
}

describe("AZ-12 what is read", () => {
  it.each([
    [200, "active"],
    [429, "standby"],
    [473, "standby"],
    [472, "unreachable"],
    [474, "unreachable"],
    [501, "uninitialised"],
    [503, "sealed"],
    [530, "unreachable"],
    [404, "unreachable"],
    [302, "unreachable"],
  ])("10: health of status %i is %s, asked without a token", async (status, health) => {
    server.script(() => ({ status, body: { initialized: true, sealed: false } }));
    const { vault } = await openClient(server.address, tokenLogin(token));
    expect(await vault.health()).toBe(health);
    expect(server.requests[0]?.headers["x-vault-token"]).toBeUndefined();
    await vault.close();
  });

  it.each<[string, unknown, string]>([
    ["the second of two", { errors: ["first", "encryption key not found"] }, "key-not-found"],
    ["none", { errors: [] }, "bad-request"],
    ["none that is text", { errors: [1, null, {}] }, "bad-request"],
    ["no list", { errors: "encryption key not found" }, "bad-request"],
    ["no JSON object", "encryption key not found", "bad-request"],
  ])("11: of the errors %s is read", async (_, body, refusal) => {
    answering({ status: 400, body });
    const { vault } = await openClient(server.address, tokenLogin(token));
    expect(await failure(vault.write("transit/encrypt/k", {}))).toMatchObject({ status: 400, refusal });
    await vault.close();
  });

  it.each([
    ["no keys", { data: {} }, []],
    ["text", { data: { keys: "a" } }, undefined],
    ["numbers", { data: { keys: [1] } }, undefined],
  ])("a list with %s is %j", async (_, body, expected) => {
    answering({ body });
    const { vault } = await openClient(server.address, tokenLogin(token));
    if (expected === undefined) expect(await failure(vault.list("transit/keys"))).toMatchObject({ fault: "answer" });
    else expect(await vault.list("transit/keys")).toEqual(expected);
    await vault.close();
  });

  it.each([{ ttl: "60" }, { ttl: -1 }, { ttl: 1.5 }, { ttl: 1e300 }, {}])(
    "a lease that is no number of seconds (%j) is no login",
    async (data) => {
      server.script(() => ({ body: { data } }));
      const { vault } = await openClient(server.address, tokenLogin(token));
      expect(await failure(vault.read("transit/keys/k"))).toMatchObject({ fault: "answer" });
      await vault.close();
    },
  );

  it("of a token that could break a header is no login", async () => {
    server.script(() => ({ body: { auth: { client_token: "a\r\nx: y", lease_duration: 60 } } }));
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-guard-"));
    const jwtFile = { setting: "GATEHOUSE_VAULT_JWT_FILE", path: join(directory, "jwt") };
    await writeFile(jwtFile.path, "a.b.c");
    const login = { method: "kubernetes", mount: "kubernetes", role: "r", jwtFile } as const;
    const { vault } = await openClient(server.address, login);
    expect(await failure(vault.read("transit/keys/k"))).toMatchObject({ fault: "answer" });
    await vault.close();
    await rm(directory, { recursive: true, force: true });
  });
});

describe("read your own writes", () => {
  const index = (local: number) => Buffer.from(`v1:cluster:${local}:0:aGFzaA`).toString("base64");

  it("the newest X-Vault-Index goes with every later call, and a call that is too early is made again", async () => {
    let early = 2;
    server.script(({ url, method }) => {
      if (isLookup(url)) return liveToken;
      if (method === "POST")
        return { body: { data: {} }, headers: { "x-vault-index": index(url.endsWith("a") ? 7 : 5) } };
      early -= 1;
      return early >= 0
        ? { status: 412, body: { errors: ["required index state not present"] } }
        : { body: { data: { ok: true } } };
    });
    const { vault } = await openClient(server.address, tokenLogin(token));
    await vault.write("transit/keys/a", {});
    await vault.write("transit/keys/b", {});
    expect(await vault.read("transit/keys/a")).toEqual({ ok: true });
    expect(server.requests.map(({ headers }) => headers["x-vault-index"])).toEqual([
      undefined,
      undefined,
      index(7),
      index(7),
      index(7),
      index(7),
    ]);
    await vault.close();
  });
});
