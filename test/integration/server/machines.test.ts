// Machines against the real command, two processes on one database: what a key, a binding or an account gives, and that all of it
// is dead on both within a second of its end, and after kill -9 of both.
import { generateKeyPairSync, randomBytes, sign } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse } from "../../../clients/typescript/src/index.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { shareKeys } from "../../fixtures/key-home.ts";
import { databaseUrl } from "./database-url.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, makeInstallation, type Person, visitorOf } from "./installation.ts";

const issuer = "https://cluster.test";
const { privateKey, publicKey } = generateKeyPairSync("rsa", { modulusLength: 2_048 });

function kubernetesToken(claims: object = {}): string {
  const now = Math.floor(Date.now() / 1_000);
  const body = { iss: issuer, aud: ["gatehouse"], sub: "system:serviceaccount:shop:cart", iat: now, exp: now + 600 };
  const encode = (part: object) => Buffer.from(JSON.stringify(part)).toString("base64url");
  const input = `${encode({ alg: "RS256", kid: "k1" })}.${encode({ ...body, ...claims })}`;
  return `${input}.${sign("sha256", Buffer.from(input), privateKey).toString("base64url")}`;
}

const reasonOf = (call: Promise<unknown>): Promise<unknown> =>
  call.then(
    () => "answered",
    (error: { reason?: string }) => error.reason,
  );

describe("machines of two replicas", () => {
  let database: TestDatabase;
  let installations: Installation[];
  let servers: GatehouseProcess[];
  let person: Person;
  let admin: Gatehouse;
  let cart: string;

  const visitors = () => servers.map(visitorOf);

  async function start(): Promise<void> {
    servers = await Promise.all(installations.map((installation) => installation.start()));
    admin = clientOf(servers[0] as GatehouseProcess, person.tokens.accessToken);
  }

  beforeAll(async () => {
    database = await startTestDatabase();
    const [one, other] = [await makeInstallation(), await makeInstallation()];
    const keys = [{ ...publicKey.export({ format: "jwk" }), kid: "k1", alg: "RS256", use: "sig" }];
    await writeFile(join(one.scratch, "keys.json"), JSON.stringify({ keys }));
    const entry = { issuer, jwks_file: join(one.scratch, "keys.json") };
    await writeFile(join(one.scratch, "issuers.jsonl"), `# reviewed\n${JSON.stringify(entry)}\n`);
    const given = {
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
      GATEHOUSE_KUBERNETES_ISSUERS_FILE: join(one.scratch, "issuers.jsonl"),
    };
    Object.assign(one.environment, given);
    Object.assign(other.environment, given);
    installations = [one, other];
    const first = await one.start();
    person = await bootstrap(one.dataDir, visitorOf(first));
    await shareKeys(one.dataDir, other.dataDir);
    await first.stop();
    await start();
    const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ displayName: "cart" });
    cart = serviceAccount?.principalId ?? "";
    await admin.grants.createGrant({ principalId: cart, role: "viewer", resource: "secrets/shop" });
  });
  afterAll(async () => {
    for (const installation of installations) await installation[Symbol.asyncDispose]();
    await database.drop();
  });

  async function makeKey(scopes: string[] = []) {
    const { apiKey, secret } = await admin.serviceAccounts.createApiKey({
      principalId: cart,
      displayName: "ci",
      scopes,
    });
    return { apiKeyId: apiKey?.apiKeyId ?? "", secret };
  }

  async function tokenFor(apiKey: string, server = servers[0] as GatehouseProcess): Promise<string> {
    const { issued } = await visitorOf(server).tokens.issueToken({ credential: { case: "apiKey", value: apiKey } });
    return issued?.accessToken ?? "";
  }

  const live = (token: string) =>
    Promise.all(servers.map((server) => reasonOf(clientOf(server, token).auth.whoAmI({}))));

  const everywhere = (answer: string) => servers.map(() => answer);

  /** What replicas promise is a second; the rest is for a busy machine that measures. */
  const soon = { timeout: 20_000, interval: 20 };

  it("TOK-25 a key gives a token of its account's, narrowed by the key, on both", async () => {
    const { secret } = await makeKey(["secrets.list"]);
    const token = await tokenFor(secret);
    const { principalId } = await clientOf(servers[1] as GatehouseProcess, token).auth.whoAmI({});
    expect(principalId).toBe(cart);
    for (const server of servers) {
      const client = clientOf(server, token);
      expect(await reasonOf(client.secrets.listSecrets({ parent: "shop" }))).toBe("answered");
      expect(await reasonOf(client.secrets.getSecret({ path: "shop/key" }))).toBe("SCOPE_MISSING");
    }
  });

  it("TOK-25 a revoked key is dead at once on both, and its tokens within a second, also after kill -9 of both", async () => {
    const { apiKeyId, secret } = await makeKey();
    const token = await tokenFor(secret);
    expect(await live(token)).toEqual(everywhere("answered"));
    await admin.serviceAccounts.revokeApiKey({ principalId: cart, apiKeyId });
    for (const visitor of visitors())
      expect(await reasonOf(visitor.tokens.issueToken({ credential: { case: "apiKey", value: secret } }))).toBe(
        "CREDENTIAL_INVALID",
      );
    await expect.poll(() => live(token), soon).toEqual(everywhere("CREDENTIAL_INVALID"));
    await Promise.all(servers.map((server) => server.kill()));
    await start();
    expect(await live(token)).toEqual(everywhere("CREDENTIAL_INVALID"));
    for (const visitor of visitors())
      expect(await reasonOf(visitor.tokens.issueToken({ credential: { case: "apiKey", value: secret } }))).toBe(
        "CREDENTIAL_INVALID",
      );
  });

  it("TOK-25 a key that was replaced works until its overlap ends, and its tokens no longer, also after kill -9 of both", async () => {
    const { apiKeyId, secret } = await makeKey();
    const token = await tokenFor(secret);
    // Longer than a busy machine takes to ask both.
    const overlap = { seconds: 10n, nanos: 0 };
    const { secret: next } = await admin.serviceAccounts.rotateApiKey({ principalId: cart, apiKeyId, overlap });
    expect(await live(token)).toEqual(everywhere("answered"));
    const successors = await tokenFor(next);
    await expect.poll(() => live(token), { ...soon, timeout: 30_000 }).toEqual(everywhere("CREDENTIAL_INVALID"));
    expect(await live(successors)).toEqual(everywhere("answered"));
    await Promise.all(servers.map((server) => server.kill()));
    await start();
    expect(await live(token)).toEqual(everywhere("CREDENTIAL_INVALID"));
    expect(await live(successors)).toEqual(everywhere("answered"));
  });

  it("CVE-2023-22492 a stopped account's keys and tokens are dead on both, and its tokens stay so", async () => {
    const { secret } = await makeKey();
    const token = await tokenFor(secret);
    const set = (disabled: boolean) =>
      admin.serviceAccounts.updateServiceAccount({
        principalId: cart,
        disabled,
        updateMask: { paths: ["disabled"] },
      });
    const issue = () =>
      Promise.all(
        visitors().map((visitor) =>
          reasonOf(visitor.tokens.issueToken({ credential: { case: "apiKey", value: secret } })),
        ),
      );
    await set(true);
    await expect.poll(() => live(token), soon).toEqual(everywhere("CREDENTIAL_INVALID"));
    await expect.poll(issue, soon).toEqual(everywhere("CREDENTIAL_INVALID"));
    await set(false);
    await expect.poll(issue, soon).toEqual(everywhere("answered"));
    expect(await live(token)).toEqual(everywhere("CREDENTIAL_INVALID"));
    expect(await live(await tokenFor(secret))).toEqual(everywhere("answered"));
  });

  it("CVE-2025-49825 a Kubernetes token is its account's once it is bound, and no other cluster's or audience's is", async () => {
    const credential = (value: string) => ({ credential: { case: "kubernetesToken" as const, value } });
    const issue = (value: string) =>
      Promise.all(visitors().map((visitor) => reasonOf(visitor.tokens.issueToken(credential(value)))));
    expect(await issue(kubernetesToken())).toEqual(everywhere("CREDENTIAL_INVALID"));
    const { workloadBinding } = await admin.serviceAccounts.createWorkloadBinding({
      principalId: cart,
      workload: { case: "kubernetes", value: { issuer, namespace: "shop", serviceAccount: "cart" } },
    });
    const { issued } = await visitorOf(servers[1] as GatehouseProcess).tokens.issueToken(credential(kubernetesToken()));
    expect(await live(issued?.accessToken ?? "")).toEqual(everywhere("answered"));
    for (const wrong of [
      { iss: "https://elsewhere.test" },
      { aud: ["other"] },
      { sub: "system:serviceaccount:shop:x" },
    ])
      expect(await issue(kubernetesToken(wrong))).toEqual(everywhere("CREDENTIAL_INVALID"));
    const { workloadBindingId = "" } = workloadBinding ?? {};
    await admin.serviceAccounts.deleteWorkloadBinding({ principalId: cart, workloadBindingId });
    await expect.poll(() => live(issued?.accessToken ?? ""), soon).toEqual(everywhere("CREDENTIAL_INVALID"));
    expect(await issue(kubernetesToken())).toEqual(everywhere("CREDENTIAL_INVALID"));
  });
});
