// SIGHUP as an operator sends it: to the real process, with a settings file beside its environment.
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { connect, type TLSSocket } from "node:tls";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Gatehouse, GatehouseError } from "../../../clients/typescript/src/index.ts";
import { pause } from "../../../src/postgres/embedded/postmaster.ts";
import { certificateFiles, type Leaf, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, makeInstallation, visitorOf } from "./installation.ts";

function linesOf(server: GatehouseProcess): readonly string[] {
  return server.output().stderr.split("\n").filter(Boolean);
}

/** Sends SIGHUP and answers the lines that came of it, up to the one that holds `until`. */
async function hangUpOn(server: GatehouseProcess, until: string): Promise<readonly Record<string, unknown>[]> {
  const before = linesOf(server).length;
  server.signal("SIGHUP");
  for (;;) {
    const fresh = linesOf(server).slice(before);
    if (fresh.some((line) => line.includes(until))) return fresh.map((line) => JSON.parse(line));
    await pause(5);
  }
}

describe("SIGHUP", () => {
  let installation: Installation;
  let server: GatehouseProcess;
  let client: Gatehouse;
  let file: string;

  beforeAll(async () => {
    installation = await makeInstallation();
    file = join(installation.scratch, "settings");
    await writeFile(file, "GATEHOUSE_LOG_LEVEL=warn\n");
    server = await installation.start({ GATEHOUSE_SETTINGS_FILE: file });
    const { tokens } = await bootstrap(installation.dataDir, visitorOf(server));
    client = clientOf(server, tokens.accessToken);
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  const lines = () => linesOf(server);
  const hangUp = (until: string) => hangUpOn(server, until);

  /** As no level above `info` would. */
  async function refusedCallIsLogged(): Promise<void> {
    const before = lines().length;
    await client.secrets.getSecret({ path: "not/there" }).catch(() => undefined);
    while (
      !lines()
        .slice(before)
        .some((line) => line.includes('"call refused"'))
    )
      await pause(5);
  }

  const recorded = async () => (await client.audit.queryEvents({ filter: { event: "config.reloaded" } })).events;

  it("P-12 J-08 takes a new log level without a restart, and it is on record by name", async () => {
    await writeFile(file, "GATEHOUSE_LOG_LEVEL=info\n");
    const fresh = await hangUp('"reloaded"');
    expect(fresh).toMatchObject([{ level: "info", changed: ["GATEHOUSE_LOG_LEVEL"] }]);
    expect(await recorded()).toMatchObject([{ event: "config.reloaded" }]);
    await refusedCallIsLogged();
  });

  it("with one wrong line changes nothing and says which", async () => {
    await writeFile(file, "GATEHOUSE_LOG_LEVEL=error\nGATEHOUSE_DRAIN_GRACE=canary\n");
    const fresh = await hangUp("reload refused");
    const [line] = fresh.filter(({ level }) => level === "error");
    expect(line?.problems).toEqual([expect.stringMatching(/^GATEHOUSE_DRAIN_GRACE is not right: expected duration/)]);
    expect(server.output().stderr).not.toContain("canary");
    expect(await recorded()).toHaveLength(1);
    await refusedCallIsLogged();
  });

  it("names what needs a restart", async () => {
    await writeFile(file, "GATEHOUSE_LOG_LEVEL=info\nGATEHOUSE_DATABASE_POOL=3\n");
    const fresh = await hangUp("need a restart");
    expect(fresh.find(({ level }) => level === "warn")).toMatchObject({ settings: ["GATEHOUSE_DATABASE_POOL"] });
    expect(await recorded()).toHaveLength(1);
  });

  it("in a storm ends in what the file said last, and the process serves on", async () => {
    await writeFile(file, "GATEHOUSE_LOG_LEVEL=debug\n");
    for (let times = 0; times < 20; times += 1) server.signal("SIGHUP");
    await hangUp('"message":"reloaded');
    expect((await client.auth.whoAmI({})).principalId).not.toBe("");
    expect(await recorded()).toHaveLength(2);
    // Those of the storm that wait in line would read the next test's file.
    for (let before = -1; lines().length > before; ) {
      before = lines().length;
      await client.auth.whoAmI({});
    }
  });

  it("P-08 takes a new list of pages that may call, and refuses one that contradicts", async () => {
    const allowed = async () => {
      const headers = { origin: "https://app.example", "access-control-request-method": "POST" };
      const url = `${server.webAddress}/gatehouse.auth.v1.AuthService/WhoAmI`;
      return (await fetch(url, { method: "OPTIONS", headers })).headers.get("access-control-allow-origin");
    };
    expect(await allowed()).toBe(null);
    await writeFile(file, "GATEHOUSE_CORS_ORIGINS=https://app.example\n");
    await hangUp('"reloaded"');
    expect(await allowed()).toBe("https://app.example");
    await writeFile(file, "GATEHOUSE_CORS_ORIGINS=*\nGATEHOUSE_CORS_CREDENTIALS=true\n");
    await hangUp("reload refused");
    expect(await allowed()).toBe("https://app.example");
  });

  it("T-02 takes a new limit for callers that are under way", async () => {
    const read = () =>
      client.secrets.listSecrets({}).then(
        () => "answered",
        (error: GatehouseError) => error.reason,
      );
    expect([await read(), await read(), await read()]).toEqual(["answered", "answered", "answered"]);
    await writeFile(file, "GATEHOUSE_LOG_LEVEL=info\nGATEHOUSE_LIMIT_READ=1/1h\n");
    const fresh = await hangUp('"reloaded"');
    expect(fresh.find(({ message }) => message === "reloaded")?.changed).toContain("GATEHOUSE_LIMIT_READ");
    await read();
    expect(await read()).toBe("RATE_LIMITED");
  });

  it("T-02 P-08 believes a new proxy, and no longer one that was taken off", async () => {
    const readFor = async (address: string) => {
      const headers = { "x-forwarded-for": address };
      return (await fetch(`${server.webAddress}/.well-known/jwks.json`, { headers })).status;
    };
    const oneEach = "GATEHOUSE_LIMIT_READ=1/1h\n";
    await writeFile(file, `${oneEach}GATEHOUSE_TRUSTED_PROXIES=127.0.0.1\n`);
    await hangUp('"reloaded"');
    expect([await readFor("192.0.2.1"), await readFor("192.0.2.2"), await readFor("192.0.2.2")]).toEqual([
      200, 200, 429,
    ]);
    await writeFile(file, oneEach);
    await hangUp('"reloaded"');
    await readFor("192.0.2.3");
    expect([await readFor("192.0.2.4"), await readFor("192.0.2.5")]).toEqual([429, 429]);
  });
});

describe("SIGHUP under TLS", () => {
  let installation: Installation;
  let files: Awaited<ReturnType<typeof certificateFiles>>;
  let authority: Awaited<ReturnType<typeof makeAuthority>>;
  let server: GatehouseProcess;

  async function newCertificate(): Promise<Leaf> {
    const leaf = await makeLeaf(authority, { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] });
    await files.write("server.pem", leaf.pem);
    await files.write("server.key", leaf.key);
    return leaf;
  }

  async function shakeHands(): Promise<TLSSocket> {
    const [host = "", port] = server.address.split(":");
    const socket = connect({
      host,
      port: Number(port),
      ca: authority.pem,
      ALPNProtocols: ["h2"],
      servername: "localhost",
    });
    await once(socket, "secureConnect");
    return socket;
  }

  const serialOf = (socket: TLSSocket) => socket.getPeerCertificate().serialNumber.toLowerCase();

  beforeAll(async () => {
    files = await certificateFiles();
    authority = await makeAuthority();
    const { pem, key } = await newCertificate();
    installation = await makeInstallation({
      GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", pem),
      GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", key),
      GATEHOUSE_TLS_RELOAD_INTERVAL: "1h",
      GATEHOUSE_WEB_LISTEN: "off",
    });
    server = await installation.start();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  it("NET-05 serves the new certificate to new connections, keeps the old ones, and refuses one that is none", async () => {
    const before = await shakeHands();
    const { serial } = await newCertificate();
    const taken = await hangUpOn(server, '"reloaded"');
    expect(taken.find(({ message }) => message === "reloaded")).toMatchObject({ changed: ["tls"] });
    const after = await shakeHands();
    expect(serialOf(after)).toBe(serial);
    expect(serialOf(before)).not.toBe(serial);
    expect(before.destroyed).toBe(false);
    await files.write("server.pem", "no certificate");
    const refused = await hangUpOn(server, "reload refused");
    expect(refused.find(({ problems }) => problems !== undefined)?.problems).toEqual([
      expect.stringContaining("GATEHOUSE_TLS_CERT_FILE"),
    ]);
    const still = await shakeHands();
    expect(serialOf(still)).toBe(serial);
    for (const socket of [before, after, still]) socket.destroy();
  });
});
