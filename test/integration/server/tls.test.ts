// The real command over TLS: both doors, workloads that call with a certificate alone, and certificates that change while
// streams are open.
import { rename } from "node:fs/promises";
import { request } from "node:https";
import { join } from "node:path";
import { connect as connectTls } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatehouse, type Gatehouse } from "../../../clients/typescript/src/index.ts";
import { Health, HealthCheckResponse_ServingStatus } from "../../../gen/ts/health/v1/health_pb.js";
import {
  type Authority,
  type CertificateFiles,
  certificateFiles,
  type Leaf,
  makeAuthority,
  makeLeaf,
  makeList,
} from "../../fixtures/certificates.ts";
import { type GatehouseProcess, runGatehouse } from "./gatehouse-process.ts";
import { bootstrap, type Installation, makeInstallation, type Person, patient } from "./installation.ts";

const spiffeId = "spiffe://prod.example/shop/cart";
const serverNames = { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] } as const;

describe("a server with certificates", () => {
  let installation: Installation;
  let files: CertificateFiles;
  let authority: Authority;
  let bound: Leaf;
  let stranger: Leaf;
  let person: Person;
  let cart: string;
  let server: GatehouseProcess;
  const open: Gatehouse[] = [];

  const put = async (name: string, text: string): Promise<void> =>
    rename(await files.write(`${name}.new`, text), join(files.directory, name));

  async function putServer(): Promise<Leaf> {
    const leaf = await makeLeaf(authority, serverNames);
    await put("server.key", leaf.key);
    await put("server.pem", leaf.pem);
    return leaf;
  }

  function connect(leaf: Leaf | undefined, credentials?: string): Gatehouse {
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

  interface WebAnswer {
    readonly status: number | undefined;
    readonly body: { readonly principalId?: string; readonly code?: string };
    readonly serial: string | undefined;
  }

  /** WhoAmI in JSON, on a connection of its own. */
  function overWeb(leaf: Leaf | undefined, headers: Readonly<Record<string, string>> = {}): Promise<WebAnswer> {
    const shown = leaf === undefined ? {} : { cert: leaf.pem, key: leaf.key };
    return new Promise((resolve, reject) => {
      const url = new URL("/gatehouse.auth.v1.AuthService/WhoAmI", server.webAddress);
      const call = request(
        url,
        {
          method: "POST",
          agent: false,
          ca: authority.pem,
          headers: { "content-type": "application/json", ...headers },
          ...shown,
        },
        (answer) => {
          const socket = answer.socket as import("node:tls").TLSSocket;
          const serial = socket.getPeerX509Certificate?.()?.serialNumber.toLowerCase();
          let text = "";
          answer.setEncoding("utf8").on("data", (chunk: string) => {
            text += chunk;
          });
          answer.on("end", () => resolve({ status: answer.statusCode, body: JSON.parse(text), serial }));
        },
      );
      call.on("error", reject);
      call.end("{}");
    });
  }

  beforeAll(async () => {
    files = await certificateFiles();
    authority = await makeAuthority();
    [bound, stranger] = await Promise.all([
      makeLeaf(authority, { uris: [spiffeId] }),
      makeLeaf(authority, { uris: ["spiffe://prod.example/shop/other"], commonName: spiffeId }),
    ]);
    await putServer();
    await files.write("ca.pem", authority.pem);
    await files.write("crl.pem", await makeList(authority, []));
    const at = (name: string) => join(files.directory, name);
    installation = await makeInstallation({
      GATEHOUSE_TLS_CERT_FILE: at("server.pem"),
      GATEHOUSE_TLS_KEY_FILE: at("server.key"),
      GATEHOUSE_TLS_CLIENT_AUTH: "optional",
      GATEHOUSE_TLS_CLIENT_CA_FILE: at("ca.pem"),
      GATEHOUSE_TLS_CRL_FILE: at("crl.pem"),
      GATEHOUSE_TLS_RELOAD_INTERVAL: "100ms",
      GATEHOUSE_SPIFFE_TRUST_DOMAIN: "prod.example",
    });
    server = await installation.start();
    person = await bootstrap(installation.dataDir, connect(undefined));
    const { serviceAccounts, grants } = connect(undefined, person.tokens.accessToken);
    const { serviceAccount } = await serviceAccounts.createServiceAccount({ displayName: "cart" });
    cart = serviceAccount?.principalId ?? "";
    await grants.createGrant({ principalId: cart, role: "editor", resource: "secrets/shop" });
  });
  afterAll(async () => {
    for (const client of open) client.close();
    await installation[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
  });

  interface Name {
    readonly spiffe?: string;
    readonly dns?: string;
  }

  /** Every binding of the service account, in place of those before. */
  async function bind({ spiffe, dns }: Name, scopes: string[] = []): Promise<void> {
    const { serviceAccounts } = connect(undefined, person.tokens.accessToken);
    const { workloadBindings } = await serviceAccounts.listWorkloadBindings({ principalId: cart });
    for (const { workloadBindingId } of workloadBindings)
      await serviceAccounts.deleteWorkloadBinding({ principalId: cart, workloadBindingId });
    const workload =
      spiffe === undefined
        ? { case: "dnsName" as const, value: dns ?? "" }
        : { case: "spiffeId" as const, value: spiffe };
    await serviceAccounts.createWorkloadBinding({ principalId: cart, workload, scopes });
  }

  it("NET-03 knows a workload by its SPIFFE id alone, on both doors, as soon as the binding is there", async () => {
    const client = connect(bound);
    expect(await reasonOf(client.auth.whoAmI({}))).toBe("CREDENTIAL_MISSING");
    await bind({ spiffe: spiffeId });
    await expect.poll(() => reasonOf(client.auth.whoAmI({})), { timeout: 20_000 }).toBe("answered");
    const { principalId } = await client.auth.whoAmI({});
    expect(principalId).toBe(cart);
    expect(await overWeb(bound)).toMatchObject({ status: 200, body: { principalId: cart } });
  });

  it("NET-03 gives nobody else that identity: another id, a common name, no certificate", async () => {
    for (const leaf of [stranger, await makeLeaf(authority, { commonName: spiffeId }), undefined]) {
      expect(await reasonOf(connect(leaf).auth.whoAmI({}))).toBe("CREDENTIAL_MISSING");
      expect(await overWeb(leaf)).toMatchObject({ status: 401, body: { code: "unauthenticated" } });
    }
  });

  it("never falls back to the certificate when a credential is given that is not accepted, be it empty", async () => {
    expect(await reasonOf(connect(bound, "no-token").auth.whoAmI({}))).toBe("CREDENTIAL_INVALID");
    for (const authorization of ["", "Bearer", "Basic YTpi", "Bearer a b"])
      expect(await overWeb(bound, { authorization })).toMatchObject({ status: 401 });
    const { principalId } = await connect(stranger, person.tokens.accessToken).auth.whoAmI({});
    expect(principalId).toBe(person.principalId);
  });

  it("narrows the workload to the scopes of its binding, and knows DNS names", async () => {
    const leaf = await makeLeaf(authority, { dns: ["Billing.Internal"] });
    const client = connect(leaf);
    await bind({ dns: "billing.internal" }, ["secrets.read"]);
    await expect.poll(() => reasonOf(client.auth.whoAmI({})), { timeout: 20_000 }).toBe("answered");
    expect(await reasonOf(client.secrets.putSecret({ path: "shop/key", value: Buffer.from("x") }))).toBe(
      "SCOPE_MISSING",
    );
    await bind({ spiffe: spiffeId });
    await expect.poll(() => reasonOf(client.auth.whoAmI({})), { timeout: 20_000 }).toBe("CREDENTIAL_MISSING");
  });

  it("NET-02 answers nothing in plaintext, on either door", async () => {
    const plain = createGatehouse({
      address: server.address,
      tls: false,
      ...patient,
    });
    open.push(plain);
    await expect(plain.auth.whoAmI({})).rejects.toThrow(/No connection established/);
    expect(await reasonOf(plain.auth.whoAmI({}))).not.toBe("answered");
    await expect(fetch(server.webAddress.replace("https:", "http:"))).rejects.toThrow();
  });

  it("NET-05 changes certificates under load without losing a call or a stream", async () => {
    await bind({ spiffe: spiffeId });
    const client = connect(bound);
    await expect.poll(() => reasonOf(client.auth.whoAmI({})), { timeout: 20_000 }).toBe("answered");
    const stream = client.client(Health).watch({ service: "" }, { timeoutMs: 60_000 })[Symbol.asyncIterator]();
    expect((await stream.next()).value?.status).toBe(HealthCheckResponse_ServingStatus.SERVING);
    const next = stream.next();
    let over = false;
    let calls = 0;
    const load = (async () => {
      while (!over) {
        await client.auth.whoAmI({});
        calls += 1;
      }
    })();
    for (let round = 0; round < 3; round += 1) {
      const { serial } = await putServer();
      await expect.poll(async () => (await overWeb(bound)).serial, { timeout: 20_000 }).toBe(serial);
      // However fast the change was: calls went on beside it and after it.
      const before = calls;
      await expect.poll(() => calls, { timeout: 20_000 }).toBeGreaterThan(before + 3);
    }
    over = true;
    await load;
    const { events } = await connect(undefined, person.tokens.accessToken).audit.queryEvents({
      filter: { event: "config.reloaded" },
    });
    expect(events.length).toBeGreaterThanOrEqual(3);
    // The stream of before is still open: nothing has been heard on it, and another one on its connection is served.
    expect(await Promise.race([next.then(() => "ended"), client.auth.whoAmI({}).then(() => "open")])).toBe("open");
  });

  it("keeps serving with the earlier certificate when the new file is broken, says so once, and takes the next good one", async () => {
    const { serial } = await putServer();
    await expect.poll(async () => (await overWeb(bound)).serial, { timeout: 20_000 }).toBe(serial);
    await put("server.pem", "hunter2-canary");
    const complaint = "GATEHOUSE_TLS_CERT_FILE holds no certificate in PEM";
    await expect.poll(() => server.output().stderr, { timeout: 20_000 }).toContain(complaint);
    expect((await overWeb(bound)).serial).toBe(serial);
    expect(await reasonOf(connect(bound).auth.whoAmI({}))).toBe("answered");
    // Before the next good pair: its halves come one after the other, and may be looked at in between.
    expect(server.output().stderr.split(complaint)).toHaveLength(2);
    const { serial: good } = await putServer();
    await expect.poll(async () => (await overWeb(bound)).serial, { timeout: 20_000 }).toBe(good);
    expect(server.output().stderr).not.toContain("hunter2-canary");
  });

  it("NET-03 NET-05 ends calls and streams of a certificate as soon as a list revokes it", async () => {
    const leaf = await makeLeaf(authority, { uris: [spiffeId] });
    const client = connect(leaf);
    expect(await reasonOf(client.auth.whoAmI({}))).toBe("answered");
    const stream = client.client(Health).watch({ service: "" }, { timeoutMs: 60_000 })[Symbol.asyncIterator]();
    await stream.next();
    const ended = stream.next().then(
      () => "heard",
      () => "cut off",
    );
    await put("crl.pem", await makeList(authority, [leaf]));
    expect(await ended).toBe("cut off");
    expect(await reasonOf(client.auth.whoAmI({}))).not.toBe("answered");
    await expect(overWeb(leaf)).rejects.toThrow();
    expect(await reasonOf(connect(bound).auth.whoAmI({}))).toBe("answered");
  });
});

describe("a server that does not look by itself", () => {
  it("NET-05 takes new certificates at SIGHUP, together or not at all, and they are on record", async () => {
    await using files = await certificateFiles();
    const authority = await makeAuthority();
    const [first, second] = await Promise.all([makeLeaf(authority, serverNames), makeLeaf(authority, serverNames)]);
    await using installation = await makeInstallation({
      GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", first.pem),
      GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", first.key),
      GATEHOUSE_TLS_RELOAD_INTERVAL: "1h",
    });
    const server = await installation.start();
    const client = createGatehouse({ address: server.address, tls: { ca: authority.pem }, ...patient });
    const { tokens } = await bootstrap(installation.dataDir, client);
    client.close();
    const [, host = "", port = ""] = /^(.+):(\d+)$/.exec(server.address) ?? [];
    const served = () =>
      new Promise<string | undefined>((resolve, reject) => {
        const socket = connectTls({ host, port: Number(port), ca: authority.pem, servername: "localhost" }, () => {
          resolve(socket.getPeerX509Certificate()?.serialNumber.toLowerCase());
          socket.destroy();
        });
        socket.once("error", reject);
      });
    expect(await served()).toBe(first.serial);
    await files.write("server.key", second.key);
    server.signal("SIGHUP");
    await expect.poll(() => server.output().stderr, { timeout: 20_000 }).toContain("does not belong to the first");
    expect(await served()).toBe(first.serial);
    await files.write("server.pem", second.pem);
    server.signal("SIGHUP");
    await expect.poll(served, { timeout: 20_000 }).toBe(second.serial);
    const again = createGatehouse({
      address: server.address,
      tls: { ca: authority.pem },
      credentials: tokens.accessToken,
      ...patient,
    });
    const { events } = await again.audit.queryEvents({ filter: { event: "config.reloaded" } });
    again.close();
    expect(events).toHaveLength(1);
  });

  it.each([
    ["a key that others may read", 0o644, "is open to other users (mode 0644)"],
    ["no key", undefined, "server.key of GATEHOUSE_TLS_KEY_FILE does not exist"],
  ])("NET-02 refuses to start with %s, in one sentence", async (_, mode, said) => {
    await using files = await certificateFiles();
    const leaf = await makeLeaf(await makeAuthority(), serverNames);
    await using installation = await makeInstallation({
      GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", leaf.pem),
      GATEHOUSE_TLS_KEY_FILE:
        mode === undefined ? join(files.directory, "server.key") : await files.write("server.key", leaf.key, mode),
    });
    const ended = await runGatehouse(installation.environment);
    expect(ended).toMatchObject({ code: 1, stdout: "" });
    const sentences = ended.stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
    expect(sentences).toEqual([expect.stringContaining(said)]);
  });
});
