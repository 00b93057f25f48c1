// Two real processes on one database: who is a stranger to one is a stranger to the other within a second, and nobody comes in
// by a certificate that the authority did not give for it.
import { createPrivateKey, randomBytes, webcrypto } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatehouse, type Gatehouse } from "../../../clients/typescript/src/index.ts";
import {
  type Authority,
  type CertificateFiles,
  certificateFiles,
  type Leaf,
  makeAuthority,
  makeLeaf,
} from "../../fixtures/certificates.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { shareKeys } from "../../fixtures/key-home.ts";
import { lastOtherwise } from "./beginnings.ts";
import { databaseUrl } from "./database-url.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { bootstrap, type Installation, makeInstallation, patient } from "./installation.ts";

const spiffeId = "spiffe://prod.example/shop/cart";
const spiffe = { case: "spiffeId" as const, value: spiffeId };

/** As if the leaf could sign certificates, which its own forbids. */
async function signingWith({ pem, key, serial }: Leaf, commonName: string): Promise<Authority> {
  const der = createPrivateKey(key).export({ type: "pkcs8", format: "der" });
  const algorithm = { name: "ECDSA", namedCurve: "P-256" };
  const privateKey = await webcrypto.subtle.importKey("pkcs8", der, algorithm, true, ["sign"]);
  return { pem, serial, subject: `CN=${commonName}`, keys: { privateKey, publicKey: privateKey } };
}

describe("workloads of two replicas", () => {
  let database: TestDatabase;
  let files: CertificateFiles;
  let authority: Authority;
  let bound: Leaf;
  let installations: Installation[];
  let servers: GatehouseProcess[];
  let admin: Gatehouse;
  let cart: string;
  const open: Gatehouse[] = [];

  function connect(server: GatehouseProcess, leaf?: Leaf, credentials?: string): Gatehouse {
    const client = createGatehouse({
      address: server.address,
      tls: { ca: authority.pem, ...(leaf === undefined ? {} : { cert: leaf.pem, key: leaf.key }) },
      ...patient,
      ...(credentials === undefined ? {} : { credentials }),
    });
    open.push(client);
    return client;
  }

  const reasonOf = (call: Promise<unknown>): Promise<unknown> =>
    call.then(
      () => "answered",
      (error: { reason?: string }) => error.reason,
    );

  beforeAll(async () => {
    database = await startTestDatabase();
    files = await certificateFiles();
    authority = await makeAuthority();
    bound = await makeLeaf(authority, { uris: [spiffeId] });
    const server = await makeLeaf(authority, { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] });
    const given = {
      GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")),
      GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
      GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", server.pem),
      GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", server.key),
      GATEHOUSE_TLS_CLIENT_AUTH: "optional",
      GATEHOUSE_TLS_CLIENT_CA_FILE: await files.write("ca.pem", authority.pem),
    };
    const [one, other] = [await makeInstallation(given), await makeInstallation(given)];
    installations = [one, other];
    const first = await one.start();
    const person = await bootstrap(one.dataDir, connect(first));
    await shareKeys(one.dataDir, other.dataDir);
    servers = [first, await other.start()];
    admin = connect(first, undefined, person.tokens.accessToken);
    const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ displayName: "cart" });
    cart = serviceAccount?.principalId ?? "";
  });
  afterAll(async () => {
    for (const client of open) client.close();
    for (const installation of installations) await installation[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
    await database.drop();
  });

  /** How long until every replica answers the workload so, in milliseconds. */
  async function untilAll(clients: readonly Gatehouse[], answer: string): Promise<number> {
    const waitOf = (client: Gatehouse) => lastOtherwise(() => reasonOf(client.auth.whoAmI({})), answer);
    const longest = Math.max(...(await Promise.all(clients.map(waitOf))));
    expect({ answer, longest }.longest).toBeLessThan(10_000);
    return longest;
  }

  it("NET-03 know a workload, and know it no more, within a second of each binding that comes and goes", async () => {
    const clients = servers.map((server) => connect(server, bound));
    const waits: number[] = [];
    await untilAll(clients, "CREDENTIAL_MISSING");
    for (let round = 0; round < 20; round += 1) {
      const { workloadBinding } = await admin.serviceAccounts.createWorkloadBinding({
        principalId: cart,
        workload: spiffe,
      });
      waits.push(await untilAll(clients, "answered"));
      const { workloadBindingId = "" } = workloadBinding ?? {};
      await admin.serviceAccounts.deleteWorkloadBinding({ principalId: cart, workloadBindingId });
      waits.push(await untilAll(clients, "CREDENTIAL_MISSING"));
    }
    // What replicas promise is a second; the rest is for a busy machine that measures.
    expect(waits.filter((wait) => wait > 3_000)).toEqual([]);
  });

  it("NET-03 refuse a workload while its account is stopped, and let it come again", async () => {
    const clients = servers.map((server) => connect(server, bound));
    await admin.serviceAccounts.createWorkloadBinding({ principalId: cart, workload: spiffe });
    await untilAll(clients, "answered");
    const set = (disabled: boolean) =>
      admin.serviceAccounts.updateServiceAccount({
        principalId: cart,
        disabled,
        updateMask: { paths: ["disabled"] },
      });
    await set(true);
    await untilAll(clients, "CREDENTIAL_INVALID");
    await set(false);
    await untilAll(clients, "answered");
  });

  it("CVE-2025-49825 know nobody by what the authority did not give: another authority's, a leaf's that signs, one's own", async () => {
    const holder = await makeLeaf(authority, { uris: [`${spiffeId}/other`], commonName: "holder" });
    const nested = await makeLeaf(await signingWith(holder, "holder"), { uris: [spiffeId] });
    const strangers = [
      await makeLeaf(await makeAuthority(), { uris: [spiffeId] }),
      nested,
      { ...nested, pem: nested.pem + holder.pem },
      await makeLeaf(undefined, { uris: [spiffeId] }),
    ];
    for (const server of servers) {
      expect(await reasonOf(connect(server, bound).auth.whoAmI({}))).toBe("answered");
      expect(await reasonOf(connect(server, holder).auth.whoAmI({}))).toBe("CREDENTIAL_MISSING");
      for (const leaf of strangers) {
        const reason = await reasonOf(connect(server, leaf).auth.whoAmI({}));
        expect(["answered", "CREDENTIAL_MISSING", "CREDENTIAL_INVALID"]).not.toContain(reason);
      }
    }
  });

  it("CVE-2025-61928 administer nothing for whoever shows no credential, whatever ids the request holds", async () => {
    for (const server of servers) {
      const { serviceAccounts } = connect(server);
      const named = { principalId: cart };
      const apiKeyId = `key_${cart.slice(4)}`;
      const calls = [
        serviceAccounts.createServiceAccount({ displayName: "mine" }),
        serviceAccounts.createApiKey({ ...named, displayName: "mine" }),
        serviceAccounts.rotateApiKey({ ...named, apiKeyId }),
        serviceAccounts.revokeApiKey({ ...named, apiKeyId }),
        serviceAccounts.listApiKeys(named),
        serviceAccounts.createWorkloadBinding({ ...named, workload: { case: "dnsName", value: "mine.internal" } }),
        serviceAccounts.updateServiceAccount({ ...named, disabled: true }),
        serviceAccounts.deleteServiceAccount(named),
      ];
      for (const call of calls) expect(await reasonOf(call)).toBe("CREDENTIAL_MISSING");
    }
    expect(await database.asOwner("select count(*)::integer as count from api_key")).toEqual([{ count: 0 }]);
  });
});
