// A real server under load while its real Vault is sealed, killed, slowed, cut off, forbids and takes its token away: every answer
// is right or UNAVAILABLE in time, what needs no key goes on, no session is lost, and all is well again without a restart.
import { join } from "node:path";
import { createLocalJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { prepareVault } from "../../fixtures/vault/prepared.ts";
import { startVaultProxy, type VaultProxy } from "../../fixtures/vault/proxy.ts";
import { type SealableVault, startSealableVault, vaultStartMs } from "../../fixtures/vault/servers.ts";
import { type GatehouseProcess, runGatehouse } from "../server/gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, makeInstallation, visitorOf } from "../server/installation.ts";

const account = { loginName: "ada", password: "correct horse battery staple" };
const vaultTimeoutMs = 800;
/** Vault's deadline, and what a busy machine adds: far from half a minute, and from never. */
const soonMs = 12_000;
const workers = 8;

let vault: SealableVault;
let proxy: VaultProxy;
let installation: Installation;
let server: GatehouseProcess;
let admin: Gatehouse;
let visitor: Gatehouse;
let liveToken: string;
let client: { readonly clientId: string; readonly clientSecret: string };

beforeAll(async () => {
  vault = await startSealableVault();
  proxy = await startVaultProxy(vault.address);
  installation = await makeInstallation({
    GATEHOUSE_KEYS: "vault",
    VAULT_ADDR: proxy.address,
    GATEHOUSE_VAULT_TIMEOUT: `${vaultTimeoutMs}ms`,
    ...{ GATEHOUSE_LIMIT_TOKEN_CHECK: "off", GATEHOUSE_LIMIT_READ: "off", GATEHOUSE_LIMIT_WRITE: "off" },
  });
  const secretIdFile = join(installation.scratch, "secret-id");
  const prepared = await runGatehouse({ VAULT_ADDR: vault.address, VAULT_TOKEN: vault.rootToken }, [
    ...["keys", "init", "--home", "vault", "--approle", "--secret-id-file", secretIdFile],
  ]);
  const settings = [...prepared.stdout.matchAll(/^ {2}([A-Z_]+)=(\S+)$/gm)].map(([, name, value]) => [name, value]);
  server = await installation.start(Object.fromEntries(settings));
  visitor = visitorOf(server);
  liveToken = (await bootstrap(installation.dataDir, visitor, account)).tokens.accessToken;
  admin = clientOf(server, liveToken);
  const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ displayName: "till" });
  const common = { audiences: ["gatehouse"], scopes: ["secrets.read"] };
  await admin.clients.createClient({
    clientId: "till",
    confidential: true,
    settings: { ...common, serviceAccountId: serviceAccount?.principalId ?? "" },
  });
  const { secret } = await admin.clients.createClientSecret({ clientId: "till" });
  client = { clientId: "till", clientSecret: secret };
  await admin.secrets.putSecret({ path: "app/db", value: Buffer.from("hunter2") });
}, vaultStartMs);

afterAll(async () => {
  await installation?.[Symbol.asyncDispose]();
  await proxy?.close();
  await vault?.stop();
});

interface Tally {
  readonly tokens: string[];
  ok: number;
  refused: number;
  slowestMs: number;
  readonly wrong: unknown[];
}

/** Asks on and on until `over`; an answer that is neither right nor UNAVAILABLE with its reason is wrong. */
async function keepAsking(tally: Tally, over: () => boolean, ask: () => Promise<void>): Promise<void> {
  while (!over()) {
    const begun = performance.now();
    try {
      await ask();
      tally.ok += 1;
    } catch (error) {
      if ((error as { reason?: string }).reason === "KEYS_UNAVAILABLE") tally.refused += 1;
      else tally.wrong.push(error);
    }
    tally.slowestMs = Math.max(tally.slowestMs, performance.now() - begun);
  }
}

function newTally(): Tally {
  return { tokens: [], ok: 0, refused: 0, slowestMs: 0, wrong: [] };
}

async function issue(): Promise<string> {
  const { issued } = await visitor.tokens.issueToken({ credential: { case: "client", value: client } });
  return issued?.accessToken ?? "";
}

function load() {
  let over = false;
  const isOver = () => over;
  const [needing, free, reading] = [newTally(), newTally(), newTally()];
  const issuing = Array.from({ length: workers }, () =>
    keepAsking(needing, isOver, async () => void needing.tokens.push(await issue())),
  );
  const checking = Array.from({ length: workers }, () =>
    keepAsking(free, isOver, async () => {
      const { active } = await admin.tokens.introspect({ token: liveToken });
      expect(active).toBe(true);
      expect((await visitor.tokens.getJwks({})).keys.length).toBeGreaterThan(0);
    }),
  );
  const opening = keepAsking(reading, isOver, async () => {
    const { value } = await admin.secrets.getSecret({ path: "app/db" });
    expect(Buffer.from(value).toString()).toBe("hunter2");
  });
  const stop = async () => {
    over = true;
    await Promise.all([...issuing, ...checking, opening]);
    return { needing, free, reading };
  };
  return { needing, free, stop };
}

/** Until it is so; each question takes the time that it takes. */
async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve));
}

async function requireGenuine(tokens: readonly string[]): Promise<void> {
  const { keys } = await visitor.tokens.getJwks({});
  const keySet = createLocalJWKSet({
    keys: keys.map(({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg })),
  });
  for (const token of tokens) await jwtVerify(token, keySet, { audience: "gatehouse", typ: "at+jwt" });
  expect(new Set(tokens).size).toBe(tokens.length);
}

const forbidding = `path "sys/none" { capabilities = ["read"] }`;
const faults: [string, () => unknown, () => unknown][] = [
  ["is sealed", () => vault.seal(), () => vault.unseal()],
  ["stands still", () => vault.halt(), () => vault.go()],
  ["is slowed to 5 s", () => proxy.mode({ kind: "slow", ms: 5_000 }), () => proxy.mode({ kind: "pass" })],
  ["is slowed to half a minute", () => proxy.mode({ kind: "slow", ms: 30_000 }), () => proxy.mode({ kind: "pass" })],
  ["is cut off", () => proxy.mode({ kind: "cut" }), () => proxy.mode({ kind: "pass" })],
  [
    "forbids",
    () => vault.admin("PUT", "sys/policies/acl/gatehouse", { policy: forbidding }),
    () => prepareVault(vault),
  ],
  [
    "is killed",
    () => vault.kill(),
    async () => {
      await vault.start();
      await vault.unseal();
    },
  ],
];

describe("SEC-07 under load, a server whose Vault", { timeout: 120_000 }, () => {
  it.each(faults)("%s gives no wrong answer and no hang, and recovers by itself", async (_, lose, mend) => {
    const { needing, free, stop } = load();
    await until(() => needing.ok > 20);
    await lose();
    const [refusedBefore, freeBefore] = [needing.refused, free.ok];
    await until(() => needing.refused > refusedBefore + 2 * workers && free.ok > freeBefore + 10 * workers);
    await mend();
    const okBefore = needing.ok;
    await until(() => needing.ok > okBefore + 20);
    const { reading } = await stop();
    for (const tally of [needing, free, reading]) {
      expect(tally.wrong).toEqual([]);
      expect(tally.slowestMs).toBeLessThan(soonMs);
    }
    expect(free.refused).toBe(0);
    await requireGenuine(needing.tokens);
  });

  it("takes its token away answers on: a new login, and nobody notices for longer than that takes", async () => {
    const { needing, free, stop } = load();
    await until(() => needing.ok > 20);
    const logins = () => server.output().stderr.split("logged in to vault").length;
    const before = logins();
    await vault.admin("POST", "sys/leases/revoke-prefix/auth/approle/login");
    await until(() => logins() > before);
    const okBefore = needing.ok;
    await until(() => needing.ok > okBefore + 20);
    await stop();
    expect([...needing.wrong, ...free.wrong]).toEqual([]);
    await requireGenuine(needing.tokens);
  });

  it("TOK-03 is away: a refresh that failed for it costs no session", async () => {
    const { outcome } = await visitor.auth.login(account);
    if (outcome.case !== "tokens") throw new Error("no tokens");
    const { refreshToken } = outcome.value;
    await vault.seal();
    for (let round = 0; round < 5; round += 1)
      await expect(visitor.tokens.refresh({ refreshToken })).rejects.toMatchObject({ reason: "KEYS_UNAVAILABLE" });
    await vault.unseal();
    for (;;) {
      const tokens = await visitor.tokens.refresh({ refreshToken }).then(
        (answer) => answer.tokens,
        (error: { reason?: string }) => {
          expect(error.reason).toBe("KEYS_UNAVAILABLE");
          return undefined;
        },
      );
      if (tokens === undefined) continue;
      await clientOf(server, tokens.accessToken).auth.whoAmI({});
      break;
    }
  });

  it("SEC-05 was in trouble prints no token of Vault and nothing that was signed or wrapped", () => {
    const { stdout, stderr } = server.output();
    expect(stdout + stderr).not.toMatch(/hvs\.|batch_input|plaintext|vault:v\d/);
  });
});
