// `gatehouse keys migrate` by the real command: everything opens in the other home, there and back, killed in the middle or not.
import { randomInt } from "node:crypto";
import { rename } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { prepareVault } from "../../fixtures/vault/prepared.ts";
import { type SealableVault, startSealableVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { embeddedRows } from "../server/embedded-rows.ts";
import { type Environment, type GatehouseProcess, launchGatehouse, runGatehouse } from "../server/gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, logIn, makeInstallation, visitorOf } from "../server/installation.ts";
import { holdSecrets } from "./held-secrets.ts";

const account = { loginName: "ada", password: "correct horse battery staple" };
const secrets = Array.from({ length: 700 }, (_, at) => ({ path: `app/item-${at}`, value: Buffer.from(`value ${at}`) }));

let vault: SealableVault;
let installation: Installation;
let inVault: Environment;
let inFile: Environment;
let early: string;

beforeAll(async () => {
  vault = await startSealableVault();
  await prepareVault(vault);
  installation = await makeInstallation({ GATEHOUSE_KEYS: "local" });
  inFile = installation.environment;
  const token = await makeToken(vault.admin, { policies: ["gatehouse"] });
  inVault = { ...inFile, GATEHOUSE_KEYS: "vault", VAULT_ADDR: vault.address, VAULT_TOKEN: token };
  const server = await installation.start();
  const { tokens } = await bootstrap(installation.dataDir, visitorOf(server), account);
  early = tokens.accessToken;
  const gatehouse = clientOf(server, early);
  for (let at = 0; at < secrets.length; at += 50)
    await Promise.all(secrets.slice(at, at + 50).map((secret) => gatehouse.secrets.putSecret(secret)));
  await server.stop();
}, vaultStartMs);
afterAll(async () => {
  await installation?.[Symbol.asyncDispose]();
  await vault?.stop();
});

function migrate(from: "local" | "vault", to: "local" | "vault") {
  const environment = { ...inVault, GATEHOUSE_KEYS: to };
  return { environment, run: () => runGatehouse(environment, ["keys", "migrate", from, to]) };
}

async function requireWhole(gatehouse: Gatehouse): Promise<void> {
  for (const at of [0, 255, 256, 400, 511, 512, 699]) {
    const { value } = await gatehouse.secrets.getSecret({ path: secrets[at]!.path });
    expect(Buffer.from(value).toString()).toBe(`value ${at}`);
  }
}

/** Everything of before opens, what was issued before is good, and new things work. */
async function requireWorking(server: GatehouseProcess): Promise<void> {
  const { tokens } = await logIn(visitorOf(server), account);
  const gatehouse = clientOf(server, tokens.accessToken);
  await requireWhole(gatehouse);
  await gatehouse.secrets.putSecret({ path: "app/later", value: Buffer.from("x") });
  await clientOf(server, early).auth.whoAmI({});
  const { events } = await gatehouse.audit.queryEvents({ filter: { event: "key.rewrapped" } });
  expect(events.length).toBeGreaterThan(3);
}

const kinds = `
  select distinct split_part(kek_id, '-', 1) as home from (
    select kek_id from data_key union all select kek_id from subject_key where wrapped is not null
    union all select kek_id from secret_version where wrapped_key is not null) as every`;

describe("gatehouse keys migrate", { timeout: 120_000 }, () => {
  it("refuses what makes no sense, in one sentence", async () => {
    const refusals: readonly [Environment, readonly string[], string][] = [
      [inFile, ["local", "vault"], "set GATEHOUSE_KEYS=vault first"],
      [inVault, ["vault", "vault"], "from one home to another"],
      [inVault, ["disk", "vault"], "homes of keys are"],
      [{ ...inFile, VAULT_ADDR: "" }, ["vault", "local"], "VAULT_ADDR"],
    ];
    for (const [environment, words, sentence] of refusals) {
      const { code, stderr } = await runGatehouse(environment, ["keys", "migrate", ...words]);
      expect(stderr).toContain(sentence);
      expect(code).toBe(1);
    }
    const { code, stderr } = await runGatehouse(inVault);
    expect([code, stderr]).toEqual([1, expect.stringContaining("gatehouse keys migrate local vault")]);
  });

  it("KEY-08 killed in the middle it leaves a database on which no server starts, and ends when it is run again", async () => {
    const { environment, run } = migrate("local", "vault");
    {
      await using _held = await holdSecrets(installation);
      const moving = launchGatehouse(environment, ["keys", "migrate", "local", "vault"]);
      // People are done, three batches of secrets are to come.
      while (!moving.output().stderr.includes("moved wrapped keys")) await pause(1);
      await moving.kill();
    }
    for (const home of [inFile, inVault]) {
      const { code, stderr } = await runGatehouse(home);
      expect([code, stderr]).toEqual([1, expect.stringContaining("were being moved")]);
    }
    for (let round = 0; round < 2; round += 1) {
      const again = launchGatehouse(environment, ["keys", "migrate", "local", "vault"]);
      await pause(randomInt(1500));
      await again.kill();
    }
    const { code, stdout } = await run();
    expect([code, stdout]).toEqual([0, expect.stringContaining("from local to vault")]);
    const last = await run();
    expect([last.code, last.stdout]).toEqual([0, expect.stringContaining("moved 0 wrapped keys")]);
  });

  it("KEY-09 serves from Vault without the local keys, and no wrapped key is left behind", async () => {
    const keys = join(installation.dataDir, "keys");
    await rename(keys, `${keys}-kept`);
    const server = await installation.start(inVault);
    expect(await embeddedRows(installation.dataDir, kinds)).toEqual([{ home: "vault" }]);
    await requireWorking(server);
    const jwks = (await (await fetch(`${server.webAddress}/.well-known/jwks.json`)).json()) as { keys: unknown[] };
    expect(jwks.keys.length).toBeGreaterThan(1);
    const running = await migrate("vault", "local").run();
    expect(running.code).toBe(1);
    await server.stop();
    expect((await runGatehouse(inFile)).stderr).toContain("set GATEHOUSE_KEYS=vault");
    await rename(`${keys}-kept`, keys);
  });

  it("moves back", async () => {
    const { code, stdout } = await migrate("vault", "local").run();
    expect([code, stdout]).toEqual([0, expect.stringContaining("from vault to local")]);
    const server = await installation.start();
    expect(await embeddedRows(installation.dataDir, kinds)).toEqual([{ home: "local" }]);
    await requireWorking(server);
    await server.stop();
  });
});
