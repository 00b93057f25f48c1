// The real command with its keys in a real Vault: how it starts, what its health says while Vault is away, and that it
// comes back by itself.
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@gatehouse/proto/health/v1/health_pb.js";
import { Client, credentials } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { makeToken } from "../../fixtures/vault/admin.ts";
import { patientWithVault } from "../../fixtures/vault/prepared.ts";
import { type SealableVault, startSealableVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { startWatched, sumOf, until, type Watched } from "../observability/scrape.ts";
import { runGatehouse } from "../server/gatehouse-process.ts";
import { type Installation, makeInstallation, visitorOf } from "../server/installation.ts";

let vault: SealableVault;
let installation: Installation;
let watched: Watched;

const secretIdFile = () => join(installation.scratch, "secret-id");

beforeAll(async () => {
  vault = await startSealableVault();
  // What the server notices, it notices by asking for health, which has a limit of its own.
  installation = await makeInstallation({ GATEHOUSE_KEYS: "vault", VAULT_ADDR: vault.address, ...patientWithVault });
  const prepared = await runGatehouse(
    { VAULT_ADDR: vault.address, VAULT_TOKEN: vault.rootToken, ...patientWithVault },
    ["keys", "init", "--home", "vault", "--approle", "--secret-id-file", secretIdFile()],
  );
  const settings = prepared.stdout.matchAll(/^ {2}([A-Z_]+)=(\S+)$/gm);
  watched = await startWatched(installation, Object.fromEntries([...settings].map(([, name, value]) => [name, value])));
}, vaultStartMs);

afterAll(async () => {
  await watched?.server.stop();
  await vault?.stop();
  await installation?.[Symbol.asyncDispose]();
});

function health(service: string): Promise<string | undefined> {
  const client = new Client(watched.server.address, credentials.createInsecure());
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      "/grpc.health.v1.Health/Check",
      (request: Buffer) => request,
      (bytes: Buffer) => fromBinary(HealthCheckResponseSchema, bytes),
      Buffer.from(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service }))),
      (error, answer) => {
        client.close();
        resolve(error ? undefined : Status[answer?.status ?? 0]);
      },
    );
  });
}

const dependency = "gatehouse.dependency.vault";
const becomes = (wanted: string) => until(async () => ((await health(dependency)) === wanted ? wanted : undefined));

describe("SEC-07 RPC-02 a server whose Vault", () => {
  it.each<[string, () => Promise<void> | void, () => Promise<void> | void]>([
    ["is sealed", () => vault.seal(), () => vault.unseal()],
    [
      "is killed",
      () => vault.kill(),
      async () => {
        await vault.start();
        await vault.unseal();
      },
    ],
    ["stands still", () => vault.halt(), () => vault.go()],
  ])("%s says so, serves what needs no key, and is whole again by itself", async (_, lose, mend) => {
    await becomes("SERVING");
    await lose();
    await becomes("NOT_SERVING");
    expect(await health("")).toBe("SERVING");
    expect((await visitorOf(watched.server).tokens.getJwks({})).keys.length).toBeGreaterThan(0);
    expect(sumOf(await watched.scrape(), "gatehouse_dependency_up", ['"vault"'])).toBe(0);
    await mend();
    await becomes("SERVING");
  });

  it("takes its token away logs in again by itself", async () => {
    const logins = () => watched.server.output().stderr.split("logged in to vault").length;
    // Before its token is gone: it may have noticed by the time that we are told.
    const before = logins();
    await vault.admin("POST", "sys/leases/revoke-prefix/auth/approle/login");
    await until(async () => (logins() > before ? true : undefined));
    await becomes("SERVING");
  });

  it("has printed neither its token nor its secret id", async () => {
    const { stdout, stderr } = watched.server.output();
    expect(stdout + stderr).not.toMatch(/hvs\.|hvb\./);
    expect(stdout + stderr).not.toContain((await readFile(secretIdFile(), "utf8")).trim());
  });

  it("is counted, call by call", async () => {
    const text = await watched.scrape();
    expect(sumOf(text, "gatehouse_vault_calls_total", ['operation="login"', 'outcome="200"'])).toBeGreaterThan(0);
    expect(sumOf(text, "gatehouse_vault_call_duration_seconds_count", ['operation="login"'])).toBeGreaterThan(0);
    expect(text).toMatch(/^# TYPE gatehouse_vault_batch_size histogram$/m);
    expect(sumOf(text, "gatehouse_signing_key_age_seconds", ['algorithm="ES256"'])).toBeGreaterThanOrEqual(0);
  });
});

describe("a start", () => {
  it.each<[string, () => Promise<Record<string, string>> | Record<string, string>, RegExp]>([
    ["without Vault", () => ({ VAULT_ADDR: "http://127.0.0.1:9", VAULT_TOKEN: "hvs.x" }), /cannot be reached/],
    ["with a token that Vault refuses", () => ({ VAULT_TOKEN: "hvs.x" }), /refuses the login/],
    [
      "with Vault sealed",
      async () => {
        const token = await makeToken(vault.admin);
        await vault.seal();
        return { VAULT_TOKEN: token };
      },
      /is sealed/,
    ],
  ])("%s is refused in one sentence", async (_, arrange, sentence) => {
    await using own = await makeInstallation({
      GATEHOUSE_KEYS: "vault",
      VAULT_ADDR: vault.address,
      ...patientWithVault,
    });
    const { code, stdout, stderr } = await runGatehouse({ ...own.environment, ...(await arrange()) });
    expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
    const said = stderr.split("\n").filter((line) => line.startsWith("gatehouse: "));
    expect(said).toEqual([expect.stringMatching(/^gatehouse: Vault at http:\S+ /)]);
    expect(said[0]).toMatch(sentence);
  });
});
