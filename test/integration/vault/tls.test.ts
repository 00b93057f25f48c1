// Vault's certificate: a pinned authority and the very host of VAULT_ADDR, or no call at all.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import {
  type Authority,
  type CertificateFiles,
  certificateFiles,
  makeAuthority,
  makeLeaf,
} from "../../fixtures/certificates.ts";
import { type ScriptedVault, startScriptedVault } from "../../fixtures/vault/scripted.ts";
import { type SealableVault, startSealableVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { failure, openClient, tokenLogin, until } from "./opened.ts";

let authority: Authority;
let files: CertificateFiles;
let caFile: { readonly setting: string; readonly path: string };

beforeAll(async () => {
  authority = await makeAuthority();
  files = await certificateFiles();
  caFile = { setting: "VAULT_CACERT", path: await files.write("ca.pem", authority.pem) };
});
afterAll(() => files[Symbol.asyncDispose]());

const served = { uses: ["server"], ips: ["127.0.0.1"] } as const;

async function serverWith(leaf: { readonly pem: string; readonly key: string }, host?: string): Promise<ScriptedVault> {
  return startScriptedVault({ tls: { cert: leaf.pem, key: leaf.key }, ...(host === undefined ? {} : { host }) });
}

describe("a real Vault with TLS", () => {
  let vault: SealableVault;
  beforeAll(async () => {
    const leaf = await makeLeaf(authority, served);
    const [certFile, keyFile] = [await files.write("vault.pem", leaf.pem), await files.write("vault.key", leaf.key)];
    vault = await startSealableVault({ tls: { certFile, keyFile } });
  }, vaultStartMs);
  afterAll(() => vault.stop());

  it("NET-04 is believed with its authority, and with no other", async () => {
    const { vault: right } = await openClient(vault.address, tokenLogin("t"), { caFile });
    await until(async () => (await right.health()) === "uninitialised");
    const { vault: wrong } = await openClient(vault.address, tokenLogin("t"));
    expect(await wrong.health()).toBe("unreachable");
    expect(await failure(wrong.read("transit/keys/k"))).toMatchObject({ fault: "certificate" });
    await right.close();
    await wrong.close();
  });
});

describe("NET-04 a server", () => {
  const past = new Date(Date.now() - 7_200_000);
  it.each<[string, () => Promise<ScriptedVault>]>([
    ["of another authority", async () => serverWith(await makeLeaf(await makeAuthority(), served))],
    ["that signed itself", async () => serverWith(await makeLeaf(undefined, served))],
    ["of another address", async () => serverWith(await makeLeaf(authority, { ...served, ips: ["127.0.0.2"] }))],
    [
      "of another name",
      async () => serverWith(await makeLeaf(authority, { ...served, dns: ["other.example"] }), "localhost"),
    ],
    [
      "whose certificate has expired",
      async () =>
        serverWith(
          await makeLeaf(authority, { ...served, notBefore: past, notAfter: new Date(Date.now() - 3_600_000) }),
        ),
    ],
    [
      "with the certificate of a client",
      async () => serverWith(await makeLeaf(authority, { ...served, uses: ["client"] })),
    ],
  ])("%s is sent nothing, and the start is refused", async (_, start) => {
    const server = await start();
    const { vault } = await openClient(server.address, tokenLogin("hvs.x"), { caFile });
    const refused = await failure(vault.requireUsable());
    expect(refused).toBeInstanceOf(StartRefused);
    expect(refused.message).toMatch(/shows a certificate that is not accepted.* \([A-Z_]+\)$/);
    expect(server.requests).toEqual([]);
    await vault.close();
    await server.close();
  });

  it("that is verified answers, and calls share its handshakes", async () => {
    const server = await serverWith(await makeLeaf(authority, served));
    const { vault } = await openClient(server.address, tokenLogin("hvs.x"), { caFile });
    for (let call = 0; call < 20; call += 1) await vault.read("transit/keys/k");
    expect(server.connections).toBeLessThanOrEqual(2);
    await vault.close();
    await server.close();
  });

  it("without TLS at https:// is unavailable", async () => {
    const server = await startScriptedVault();
    const { vault } = await openClient(server.address.replace("http:", "https:"), tokenLogin("hvs.x"), { caFile });
    expect(await failure(vault.read("transit/keys/k"))).toMatchObject({ name: "VaultUnavailable" });
    expect(server.requests).toEqual([]);
    await vault.close();
    await server.close();
  });

  it("that nobody verified is sent nothing even in a process that asks for less", async () => {
    const server = await serverWith(await makeLeaf(undefined, served));
    const token = await files.write("token", "hvs.x");
    const child = spawn(process.execPath, [join(import.meta.dirname, "loud-client.ts"), server.address, token], {
      env: { PATH: process.env.PATH, NODE_TLS_REJECT_UNAUTHORIZED: "0" },
      stdio: ["ignore", "pipe", "ignore"],
    });
    let said = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      said += text;
    });
    await once(child, "close");
    expect(said).toBe("VaultUnavailable VaultUnavailable VaultUnavailable\n");
    expect(server.requests).toEqual([]);
    await server.close();
  });

  it.each([
    ["is not there", undefined, /none\.pem of VAULT_CACERT cannot be read/],
    ["holds no certificate", "hello", /holds no certificate in PEM/],
  ])("with an authority's file that %s refuses the start", async (_, text, sentence) => {
    const path = text === undefined ? join(files.directory, "none.pem") : await files.write("empty.pem", text);
    const opened = openClient("https://127.0.0.1:9", tokenLogin("t"), { caFile: { setting: "VAULT_CACERT", path } });
    expect((await failure(opened)).message).toMatch(sentence);
  });
});
