// The traps of Vault clients, one by one (the first sixteen were found in node-vault 0.12 with axios): docs/decisions/0038.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inspect } from "node:util";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { root } from "../../../tools/source/files.ts";
import { liveToken, type ScriptedVault, startScriptedVault } from "../../fixtures/vault/scripted.ts";
import { failure, openClient, tokenLogin } from "./opened.ts";

const token = "hvs.CANARY-TOKEN";
const secret = "CANARY-BODY";
/** For what only its own deadline ends: enough for a login on a busy machine, which comes under it as well. */
const hastyMs = 2_000;
const inItsTime = { timeout: 30_000 } as const;

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

function everyForm(error: Error): string {
  const shown = inspect(error, { depth: null, showHidden: true, getters: true });
  return [shown, JSON.stringify(error), String(error), error.stack].join("\n");
}

describe("guard 1: an error holds neither token nor body, in no form", () => {
  const echo = { errors: [`wrong: ${token} ${secret}`, secret], data: { plaintext: secret } };
  it.each([200, 400, 403, 404, 412, 429, 500, 503])("of status %i", async (status) => {
    answering({ status, body: status === 200 ? [echo] : echo });
    const { vault, log } = await openClient(server.address, tokenLogin(token));
    const error = await failure(vault.write("transit/encrypt/k", { plaintext: secret }));
    expect(everyForm(error) + log()).not.toMatch(/CANARY/);
    await vault.close();
  });

  it.each(["silence", "gone"])("of a server that is %s", async (kind) => {
    answering("silence");
    const { vault, log } = await openClient(server.address, tokenLogin(token), { timeoutMs: hastyMs });
    await vault.requireUsable();
    if (kind === "gone") await server.close();
    const error = await failure(vault.write("transit/encrypt/k", { plaintext: secret }));
    expect(everyForm(error) + log()).not.toMatch(/CANARY/);
    await vault.close();
    if (kind === "gone") server = await startScriptedVault();
  });
});

/** The environment holds every switch that makes a library talk, and a proxy for every scheme. */
async function runLoud(address: string, file: string, more: Record<string, string>) {
  const child = spawn(process.execPath, [join(import.meta.dirname, "loud-client.ts"), address, file], {
    env: { PATH: process.env.PATH, NODE_DEBUG: "*", DEBUG: "*", NODE_DEBUG_NATIVE: "HTTP", ...more },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const written = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    written.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    written.stderr += text;
  });
  await new Promise((resolve) => child.once("close", resolve));
  return written;
}

describe("in a process with every switch on", () => {
  it("guards 2 and 6: nothing secret is printed, and no proxy is asked", async () => {
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-loud-"));
    const proxy = await startScriptedVault();
    const file = join(directory, "token");
    await writeFile(file, token, { mode: 0o600 });
    server.script(({ url }) => {
      if (isLookup(url)) return liveToken;
      return url.endsWith("good") ? { body: { data: {} } } : { status: url.endsWith("refused") ? 400 : 500 };
    });
    const to = { HTTP_PROXY: proxy.address, HTTPS_PROXY: proxy.address, ALL_PROXY: proxy.address };
    const lower = { http_proxy: proxy.address, https_proxy: proxy.address, NO_PROXY: "", NODE_USE_ENV_PROXY: "1" };
    const { stdout, stderr } = await runLoud(server.address, file, { ...to, ...lower });
    expect(stdout).toBe("done VaultRefused VaultUnavailable\n");
    expect(stderr).toMatch(/UNDICI|NET/);
    expect(stderr).not.toMatch(/CANARY-(TOKEN|BODY)/);
    expect(proxy.requests).toEqual([]);
    expect(proxy.connections).toBe(0);
    await proxy.close();
    await rm(directory, { recursive: true, force: true });
  });
});

describe("guards of the connection", () => {
  it("RPC-05 guard 3: a server that never answers costs the deadline and no more; 13: the caller's signal ends the call on the wire", async () => {
    answering("silence");
    const { vault } = await openClient(server.address, tokenLogin(token), { timeoutMs: hastyMs });
    expect(await failure(vault.read("transit/keys/k"))).toMatchObject({ fault: "deadline" });
    const { vault: patient } = await openClient(server.address, tokenLogin(token), { timeoutMs: 60_000 });
    await patient.requireUsable();
    const controller = new AbortController();
    const asked = server.requests.length;
    const work = failure(patient.read("transit/keys/k", controller.signal));
    await expect.poll(() => server.requests.length, inItsTime).toBe(asked + 1);
    controller.abort();
    expect(await work).toMatchObject({ fault: "deadline" });
    await expect.poll(() => server.abandoned, inItsTime).toBe(2);
    await vault.close();
    await patient.close();
  });

  it("4: calls share connections: two when they come one after the other, eight when a hundred come at once", async () => {
    answering({ body: { data: {} } });
    const { vault } = await openClient(server.address, tokenLogin(token));
    for (let call = 0; call < 50; call += 1) await vault.write("transit/encrypt/k", {});
    expect(server.connections).toBeLessThanOrEqual(2);
    await Promise.all(Array.from({ length: 100 }, () => vault.write("transit/encrypt/k", {})));
    expect(server.connections).toBeLessThanOrEqual(8);
    await vault.close();
  });

  it.each([301, 302, 303, 307, 308])(
    "5: a redirect (%i) is not followed, so the token goes nowhere else",
    async (status) => {
      const elsewhere = await startScriptedVault();
      answering({ status, headers: { location: `${elsewhere.address}/v1/transit/encrypt/k` } });
      const { vault } = await openClient(server.address, tokenLogin(token));
      expect(await failure(vault.write("transit/encrypt/k", {}))).toMatchObject({ fault: "redirect" });
      expect(elsewhere.requests).toEqual([]);
      await elsewhere.close();
      await vault.close();
    },
  );
});

describe("guards of what is sent", () => {
  it("7: after a new login the new token is sent, and the old one never again", async () => {
    let login = 0;
    server.script(({ url }) => {
      if (!url.endsWith("/login")) return { body: { data: {} } };
      login += 1;
      return { body: { auth: { client_token: `hvs.number-${login}`, lease_duration: 60, renewable: false } } };
    });
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-guard-"));
    const path = join(directory, "secret-id");
    await writeFile(path, "id", { mode: 0o600 });
    const secretIdFile = { setting: "GATEHOUSE_VAULT_SECRET_ID_FILE", path };
    const { vault, later } = await openClient(server.address, {
      method: "approle",
      mount: "approle",
      roleId: "r",
      secretIdFile,
    });
    await vault.write("transit/encrypt/k", {});
    later(60_001);
    await vault.write("transit/encrypt/k", {});
    const tokens = server.requests.map(({ headers }) => headers["x-vault-token"]);
    expect(tokens).toEqual([undefined, "hvs.number-1", undefined, "hvs.number-2"]);
    await vault.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("a token that may look nothing up, itself included, is not replaced at each refusal", async () => {
    const auth = { client_token: "hvs.new", lease_duration: 60, renewable: false };
    server.script(({ url }) => (url.endsWith("/login") ? { body: { auth } } : { status: 403 }));
    const directory = await mkdtemp(join(tmpdir(), "gatehouse-guard-"));
    const jwtFile = { setting: "GATEHOUSE_VAULT_JWT_FILE", path: join(directory, "jwt") };
    await writeFile(jwtFile.path, "a.b.c");
    const login = { method: "kubernetes", mount: "kubernetes", role: "r", jwtFile } as const;
    const { vault, count, later, standStill } = await openClient(server.address, login);
    standStill();
    for (let call = 0; call < 20; call += 1)
      expect(await failure(vault.read("transit/keys/k"))).toMatchObject({ refusal: "forbidden" });
    expect(count("auth/kubernetes/login")).toBe(1);
    later(1_001);
    for (let call = 0; call < 20; call += 1) await failure(vault.read("transit/keys/k"));
    expect(count("auth/kubernetes/login")).toBe(2);
    await vault.close();
    await rm(directory, { recursive: true, force: true });
  });

  it("8: a token that is made for somebody else does not become the client's own", async () => {
    answering({ body: { auth: { client_token: "hvs.somebody", lease_duration: 60, renewable: true }, data: null } });
    const { vault } = await openClient(server.address, tokenLogin(token));
    for (const path of ["auth/token/create", "auth/token/renew", "auth/token/create-orphan"])
      await vault.write(path, {});
    await vault.write("transit/encrypt/k", {});
    expect(new Set(server.requests.map(({ headers }) => headers["x-vault-token"]))).toEqual(new Set([token]));
    await vault.close();
  });

  it("12: a list is asked with GET, 14 and 15: and every call has the namespace and what Vault Agent asks for", async () => {
    answering({ body: { data: { keys: ["a"] } } });
    const { vault } = await openClient(server.address, tokenLogin(token), { namespace: "team/one" });
    const { vault: other } = await openClient(server.address, tokenLogin(token), { namespace: "team/two" });
    expect(await vault.list("transit/keys")).toEqual(["a"]);
    await vault.read("transit/keys/a");
    await vault.write("transit/keys/a", {});
    await vault.remove("transit/keys/a");
    expect(server.requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      "GET /v1/auth/token/lookup-self",
      "GET /v1/transit/keys?list=true",
      "GET /v1/transit/keys/a",
      "POST /v1/transit/keys/a",
      "DELETE /v1/transit/keys/a",
    ]);
    for (const { headers } of server.requests)
      expect(headers).toMatchObject({ "x-vault-namespace": "team/one", "x-vault-request": "true" });
    await other.read("transit/keys/a");
    expect(server.requests.at(-1)?.headers["x-vault-namespace"]).toBe("team/two");
    await vault.close();
    await other.close();
  });
});

describe("guard 16: what is shipped", () => {
  it("holds neither axios nor node-vault, which the benchmarks alone compare with", () => {
    const { packages } = JSON.parse(readFileSync(`${root}/package-lock.json`, "utf8")) as {
      packages: Readonly<Record<string, { readonly dev?: boolean }>>;
    };
    for (const name of ["axios", "node-vault", "mustache", "tv4", "follow-redirects"])
      expect(packages[`node_modules/${name}`]?.dev).toBe(true);
  });
});
