// `gatehouse keys rotate-wrapping` by the real command: everything is wrapped anew and opens, killed in the middle or not.
import { randomInt } from "node:crypto";
import { copyFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { embeddedRows } from "../server/embedded-rows.ts";
import { type GatehouseProcess, launchGatehouse, runGatehouse } from "../server/gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, logIn, makeInstallation, visitorOf } from "../server/installation.ts";
import { holdSecrets } from "./held-secrets.ts";

const account = { loginName: "ada", password: "correct horse battery staple" };
const command = ["keys", "rotate-wrapping"];
const many = 600;

let installation: Installation;
let early: string;
let keyFile: string;

beforeAll(async () => {
  installation = await makeInstallation({ GATEHOUSE_KEYS: "local" });
  keyFile = join(installation.dataDir, "keys", "keys.json");
  const server = await installation.start();
  const { tokens } = await bootstrap(installation.dataDir, visitorOf(server), account);
  early = tokens.accessToken;
  const { secrets } = clientOf(server, early);
  for (let from = 0; from < many; from += 50)
    await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        secrets.putSecret({ path: `app/${from + at}`, value: Buffer.from(`${from + at}`) }),
      ),
    );
  await server.stop();
});
afterAll(() => installation?.[Symbol.asyncDispose]());

const versionsInUse = async () => {
  const rows = await embeddedRows<{ version: number }>(
    installation.dataDir,
    `select distinct kek_version as version from (
       select kek_version from data_key union all select kek_version from subject_key where wrapped is not null
       union all select kek_version from secret_version where wrapped_key is not null) as every
     order by version`,
  );
  return rows.map(({ version }) => version);
};

/** Everything of before opens, what was issued before is good, and new things work. */
async function requireWorking(server: GatehouseProcess): Promise<void> {
  const { tokens } = await logIn(visitorOf(server), account);
  const { secrets, audit } = clientOf(server, tokens.accessToken);
  for (const at of [0, 255, 256, 511, 512, many - 1]) {
    const { value } = await secrets.getSecret({ path: `app/${at}` });
    expect(Buffer.from(value).toString()).toBe(`${at}`);
  }
  await clientOf(server, early).auth.whoAmI({});
  const { events } = await audit.queryEvents({ filter: { event: "key.rewrapped" } });
  expect(events.length).toBeGreaterThan(3);
}

describe("gatehouse keys rotate-wrapping", { timeout: 180_000 }, () => {
  it("KEY-08 wraps every data key under another version, on record, and everything opens", async () => {
    await copyFile(keyFile, `${keyFile}.before`);
    const { code, stdout } = await runGatehouse(installation.environment, command);
    expect([code, stdout]).toEqual([0, expect.stringMatching(/^wrapped 6\d\d data keys under a new version/)]);
    const server = await installation.start();
    expect(await versionsInUse()).toEqual([2]);
    await requireWorking(server);
    await clientOf(server, early).secrets.putSecret({ path: "app/later", value: Buffer.from("x") });
    expect(await versionsInUse()).toEqual([2]);
    const refused = await runGatehouse(installation.environment, command);
    expect(refused).toMatchObject({ code: 1, stdout: "" });
    await server.stop();
  });

  it("KEY-09 leaves nothing that the file of before could open the installation by", async () => {
    await copyFile(keyFile, `${keyFile}.after`);
    await copyFile(`${keyFile}.before`, keyFile);
    const { code, stderr } = await runGatehouse(installation.environment);
    expect([code, stderr.trim().split("\n")]).toEqual([1, [expect.stringContaining("gatehouse: ")]]);
    await copyFile(`${keyFile}.after`, keyFile);
  });

  it("KEY-08 killed at any point it leaves an installation that serves, and ends when it is run again", async () => {
    {
      await using _held = await holdSecrets(installation);
      const first = launchGatehouse(installation.environment, command);
      while (!first.output().stderr.includes("moved wrapped keys")) await pause(1);
      await first.kill();
    }
    const server = await installation.start();
    expect((await versionsInUse()).length).toBeGreaterThan(1);
    await requireWorking(server);
    await server.stop();
    for (let round = 0; round < 2; round += 1) {
      const again = launchGatehouse(installation.environment, command);
      await pause(randomInt(1500));
      await again.kill();
    }
    expect((await runGatehouse(installation.environment, command)).code).toBe(0);
    const last = await installation.start();
    expect(await versionsInUse()).toHaveLength(1);
    await requireWorking(last);
    await last.stop();
  });

  it("refuses keys that are not here, in one sentence", async () => {
    const { code, stderr } = await runGatehouse(
      { ...installation.environment, GATEHOUSE_KEYS: "vault", VAULT_ADDR: "http://127.0.0.1:9", VAULT_TOKEN: "hvs.x" },
      command,
    );
    expect([code, stderr]).toEqual([1, expect.stringContaining("the wrapping key in Vault is rotated there")]);
  });
});
