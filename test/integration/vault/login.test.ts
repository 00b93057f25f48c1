// Logins against a real Vault: a token from a file, AppRole, Kubernetes; their renewal, their end, and the next login.
import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import type { VaultSettings } from "../../../src/vault/open.ts";
import { VaultRefused, VaultUnavailable } from "../../../src/vault/ports.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { type Cluster, startCluster } from "../../fixtures/vault/cluster.ts";
import { startDevVault, type TestVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { failure, openClient, tokenLogin, until, withToken } from "./opened.ts";

let server: TestVault;
let directory: string;
let roleId: string;
let cluster: Cluster;

const fileOf = (name: string) => join(directory, name);
const put = (name: string, text: string) => writeFile(fileOf(name), text, { mode: 0o600 });
const own = "auth/token/lookup-self";
const approleLogin = "auth/approle/login";
const renewal = "auth/token/renew-self";

async function newSecretId(): Promise<string> {
  const { data } = await server.admin("POST", "auth/approle/role/gatehouse/secret-id", {});
  return String(data.secret_id);
}

const lease = (seconds: number, most = 3600) =>
  server.admin("POST", "auth/approle/role/gatehouse", {
    token_policies: ["some"],
    token_ttl: seconds,
    token_max_ttl: most,
  });

beforeAll(async () => {
  directory = await mkdtemp(join(tmpdir(), "gatehouse-login-"));
  server = await startDevVault({ plugins: true });
  cluster = await startCluster();
  await server.admin("PUT", "sys/policies/acl/some", { policy: `path "sys/mounts" { capabilities = ["read"] }` });
  await server.admin("POST", "sys/auth/approle", { type: "approle" });
  await cluster.mount(server.admin, "kubernetes", "gatehouse", ["some"]);
  await lease(3600);
  roleId = String((await server.admin("GET", "auth/approle/role/gatehouse/role-id")).data.role_id);
}, vaultStartMs);

afterAll(async () => {
  await server?.stop();
  await cluster?.close();
  await rm(directory, { recursive: true, force: true });
});

async function appRole(): Promise<VaultSettings["login"]> {
  await put("secret-id", `${await newSecretId()}\n`);
  return {
    method: "approle",
    mount: "approle",
    roleId,
    secretIdFile: { setting: "GATEHOUSE_VAULT_SECRET_ID_FILE", path: fileOf("secret-id") },
  };
}

const tokenFile = (name: string): VaultSettings["login"] => ({
  method: "token",
  from: { setting: "GATEHOUSE_VAULT_TOKEN_FILE", path: fileOf(name) },
});

const pod = (): VaultSettings["login"] => ({
  method: "kubernetes",
  mount: "kubernetes",
  role: "gatehouse",
  jwtFile: { setting: "GATEHOUSE_VAULT_JWT_FILE", path: fileOf("jwt") },
});

describe("a login", () => {
  it("by AppRole is one for a hundred calls that come at once, and its token is given back at the end", async () => {
    const { vault, count, seen } = await openClient(server.address, await appRole());
    await Promise.all(Array.from({ length: 100 }, () => vault.read("sys/mounts")));
    expect(count(approleLogin)).toBe(1);
    await vault.close();
    expect(seen.at(-1)).toEqual({ pathTemplate: "auth/token/revoke-self", outcome: "204" });
  });

  it("by a file with a token keeps that token alive at the end: it belongs to its giver", async () => {
    const token = await makeToken(server.admin, { policies: ["some"] });
    await put("token", `${token}\n`);
    const { vault } = await openClient(server.address, tokenFile("token"));
    await vault.requireUsable();
    await vault.close();
    expect((await withToken(server.address, token)("GET", own)).status).toBe(200);
  });

  it("by Kubernetes reads the pod's token again each time, as the kubelet replaces it", async () => {
    await writeFile(fileOf("jwt"), cluster.token(1), { mode: 0o644 });
    const { vault, count, later } = await openClient(server.address, pod());
    await vault.read("sys/mounts");
    await writeFile(fileOf("jwt"), "not any more", { mode: 0o644 });
    later(32 * 24 * 3_600_000 + 1);
    expect(await failure(vault.read("sys/mounts"))).toMatchObject({ fault: "credential-file" });
    await writeFile(fileOf("jwt"), cluster.token(2), { mode: 0o644 });
    later(201);
    expect(await vault.read("sys/mounts")).toBeTypeOf("object");
    expect(count("auth/kubernetes/login")).toBe(2);
    await vault.close();
  });

  const wrong: readonly (readonly [string, number, () => Promise<VaultSettings["login"]>])[] = [
    [
      "AppRole, wrong secret id",
      400,
      async () => {
        const login = await appRole();
        await put("secret-id", "wrong");
        return login;
      },
    ],
    [
      "Kubernetes, the pod of another cluster",
      403,
      async () => {
        const other = await startCluster();
        await put("jwt", other.token(9));
        await other.close();
        return pod();
      },
    ],
    [
      "a token that is none",
      403,
      async () => {
        await put("token", "hvs.none");
        return tokenFile("token");
      },
    ],
  ];
  it.each(wrong)("is refused for %s, with the reason, and asked once for all who wait", async (_, status, login) => {
    const { vault, seen, standStill } = await openClient(server.address, await login());
    standStill();
    const errors = await Promise.all(Array.from({ length: 10 }, () => failure(vault.read("sys/mounts"))));
    for (const error of errors) expect(error).toMatchObject({ name: "VaultRefused", status, refusal: "login-refused" });
    expect(await failure(vault.read("sys/mounts"))).toBeInstanceOf(VaultRefused);
    expect(seen).toHaveLength(1);
    expect((await failure(vault.requireUsable())).message).toMatch(
      /^Vault at http:\S+ refuses the login: see GATEHOUSE_VAULT_AUTH/,
    );
    await vault.close();
  });

  it("that failed works a moment later, once the credential is right", async () => {
    await put("token", "hvs.none");
    const { vault, later } = await openClient(server.address, tokenFile("token"));
    await failure(vault.read("sys/mounts"));
    await put("token", await makeToken(server.admin, { policies: ["some"] }));
    later(1_001);
    expect(await vault.read("sys/mounts")).toBeTypeOf("object");
    await vault.close();
  });

  it.each<[string, string | undefined, number, RegExp]>([
    ["is not there", undefined, 0, /gone of GATEHOUSE_VAULT_TOKEN_FILE does not exist$/],
    ["is open to all", "hvs.x", 0o644, /open to other users/],
    ["is empty", "\n", 0o600, /does not hold a credential/],
    ["holds a line too many", "hvs.x\r\nx-evil: 1", 0o600, /does not hold a credential/],
  ])("from a file that %s refuses the start in one sentence", async (_, text, mode, sentence) => {
    if (text !== undefined) await put("gone", text);
    if (text !== undefined) await chmod(fileOf("gone"), mode);
    const { vault, seen } = await openClient(server.address, tokenFile("gone"));
    const refused = await failure(vault.requireUsable());
    expect(refused).toBeInstanceOf(StartRefused);
    expect(refused.message).toMatch(sentence);
    expect(await failure(vault.read("sys/mounts"))).toMatchObject({
      name: "VaultUnavailable",
      fault: "credential-file",
    });
    expect(seen).toEqual([]);
    await vault.close();
  });
});

describe("SEC-06 a token", () => {
  it("is renewed before it ends, as often as Vault allows, and replaced by a new login after that", async () => {
    await lease(6, 13);
    const { vault, count } = await openClient(server.address, await appRole());
    await vault.read("sys/mounts");
    // Two thirds of six seconds, again and again, until the thirteen seconds of its longest life are near. A busy machine may
    // let more than a second pass before it is renewed.
    await expect.poll(() => count(approleLogin), { timeout: 50_000 }).toBe(2);
    expect(count(renewal)).toBeGreaterThan(1);
    expect(await vault.read("sys/mounts")).toBeTypeOf("object");
    await vault.close();
  });

  it("that cannot be renewed is replaced while it still works", async () => {
    await server.admin("POST", "auth/approle/role/gatehouse", {
      token_policies: ["some"],
      token_ttl: 2,
      token_max_ttl: 3600,
      token_type: "batch",
    });
    const { vault, count, seen } = await openClient(server.address, await appRole());
    await vault.read("sys/mounts");
    await until(() => count(approleLogin) === 2);
    await vault.read("sys/mounts");
    expect(count(renewal)).toBe(0);
    expect(seen.filter(({ outcome }) => outcome === "403")).toEqual([]);
    await vault.close();
    await server.admin("POST", "auth/approle/role/gatehouse", { token_type: "default" });
  });

  it("that was revoked is replaced by one login and the call made once more", async () => {
    await lease(3600);
    const { vault, count, later, log } = await openClient(server.address, await appRole());
    await vault.read("sys/mounts");
    await server.admin("POST", "sys/leases/revoke-prefix/auth/approle/login");
    later(1_001);
    const answers = await Promise.all(Array.from({ length: 50 }, () => vault.read("sys/mounts")));
    expect(answers.every((answer) => answer !== undefined)).toBe(true);
    expect(count(approleLogin)).toBe(2);
    expect(log()).not.toMatch(/hvs\./);
    await vault.close();
  });

  it("that has ended is not sent any more", async () => {
    const { vault, later, seen } = await openClient(server.address, await appRole());
    await vault.read("sys/mounts");
    later(3_600_001);
    await vault.read("sys/mounts");
    expect(seen.map(({ pathTemplate, outcome }) => `${pathTemplate} ${outcome}`)).toEqual([
      `${approleLogin} 200`,
      "sys/mounts 200",
      `${approleLogin} 200`,
      "sys/mounts 200",
    ]);
    await vault.close();
  });

  it("of 32 days, Vault's default, is not renewed in a hot loop", async () => {
    const token = await makeToken(server.admin, { policies: ["some"], ttl: "768h" });
    const { vault, count } = await openClient(server.address, tokenLogin(token));
    for (let call = 0; call < 200; call += 1) await vault.read("sys/mounts");
    expect(count(renewal)).toBe(0);
    await vault.close();
  });

  it("cannot be had while Vault is gone: unavailable, not refused", async () => {
    const { vault } = await openClient("http://127.0.0.1:9", await appRole());
    expect(await failure(vault.read("sys/mounts"))).toBeInstanceOf(VaultUnavailable);
    expect((await failure(vault.requireUsable())).message).toMatch(/ cannot be reached \(ECONNREFUSED\)$/);
    await vault.close();
  });
});
