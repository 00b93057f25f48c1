// Values that only their owner may see, driven through every method, well and badly: afterwards they are in no log, no
// error, no argument of a process, no file and no table.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { toJsonString } from "@bufbuild/protobuf";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { EventSchema } from "../../../gen/ts/gatehouse/audit/v1/audit_service_pb.js";
import { FieldData } from "../../../gen/ts/gatehouse/options/v1/policy_pb.js";
import { homeCredentials } from "../../fixtures/key-home.ts";
import { scrapedOf } from "../observability/scrape.ts";
import { everyMethod, methodName, openDoors, plainlyFilled, told, wholeFilled } from "./called-by-descriptor.ts";
import { type Canary, findBelow, findIn, type Needle, needlesOf } from "./canaries.ts";
import { clientCanaries } from "./client-canaries.ts";
import { type Collector, startCollector } from "./collector.ts";
import type { Ended, GatehouseProcess } from "./gatehouse-process.ts";
import {
  type Account,
  bootstrap,
  clientOf,
  databaseProcesses,
  type Installation,
  logIn,
  makeInstallation,
  quickHashing,
  visitorOf,
} from "./installation.ts";
import { machineCanaries } from "./machine-canaries.ts";
import { revocationCanaries } from "./revocation-canaries.ts";
import { rowsOf } from "./rows-of.ts";

const unique = (): string => randomBytes(12).toString("hex");
/** Public on purpose: shows that the search finds what is there. */
const control = `control/${unique()}`;

const made = {
  password: `pa55 ${unique()} word`,
  nextPassword: `next ${unique()} word`,
  wrongPassword: `wrong ${unique()} word`,
  loginName: `login-${unique()}`,
  unknownLoginName: `nobody-${unique()}`,
  displayName: `Name ${unique()}`,
  deviceName: `device ${unique()}`,
  secretValue: `value ${unique()}`,
  staleValue: `stale ${unique()}`,
  hugeValue: `huge ${unique()}`,
  subjectAddress: `2001:db8:${[1, 2, 3, 4].map(() => randomBytes(2).toString("hex").replace(/^0*/, "1")).join(":")}::1`,
  anySecret: `any-${unique()}`,
  anyName: `name-${unique()}`,
  credential: `cred-${unique()}`,
  stray: `stray-${unique()}`,
  masterKey: randomBytes(32).toString("base64"),
  collectorKey: `key-${unique()}`,
};

/** What the audit trail keeps, sealed, for those who may read it: who tried to log in, and from where. */
const toldToAuditors: ReadonlySet<string> = new Set(["loginName", "unknownLoginName", "subjectAddress", "anyName"]);

const canaryOf = (kind: FieldData): string => (kind === FieldData.PERSONAL ? made.anyName : made.anySecret);

describe("values that only their owner may see", () => {
  let installation: Installation;
  let server: GatehouseProcess;
  let needles: readonly Needle[];
  let ended: Ended;
  let processArguments: string;
  let trail: string;
  let metrics: string;
  let collector: Collector;
  const errors: string[] = [];
  const tokens: Canary[] = [];

  const failing = async (call: Promise<unknown>): Promise<void> => {
    const outcome = await call.then(
      () => undefined,
      (error: unknown) => told(error),
    );
    expect(outcome).toBeDefined();
    errors.push(outcome ?? "");
  };

  async function liveWell(): Promise<string> {
    const visitor = visitorOf(server);
    const bootstrapToken = (await readFile(join(installation.dataDir, "bootstrap-token"), "utf8")).trim();
    const { loginName, password, deviceName, displayName } = made;
    const first = await bootstrap(installation.dataDir, visitor, { loginName, password });
    const client = clientOf(server, first.tokens.accessToken);
    const { invitation } = await client.directory.createInvitation({});
    const second = { loginName: `${loginName}-2`, password };
    await visitor.auth.register({ ...second, displayName, invitation });
    const other = await logIn(visitor, second, deviceName);
    await logIn(visitor, { loginName, password }, deviceName);
    const { tokens: renewed } = await visitor.tokens.refresh({ refreshToken: other.tokens.refreshToken });
    await client.tokens.introspect({ token: other.tokens.refreshToken });
    await client.secrets.putSecret({ path: control, value: Buffer.from(made.secretValue) });
    await client.secrets.getSecret({ path: control });
    await client.secrets.deleteSecret({ path: control, versions: [1] });
    await client.secrets.undeleteSecret({ path: control, versions: [1] });
    await client.secrets.listSecrets({});
    await client.secrets.listSecretVersions({ path: control });
    const { subjectAddress: address } = made;
    await client.audit.appendEvent({ source: "shop", name: "order.placed", address });
    const { sessions } = await client.sessions.listSessions({});
    const others = sessions.filter(({ sessionId }) => sessionId !== first.tokens.sessionId);
    await client.sessions.revokeSession({ sessionId: others[0]?.sessionId ?? "" });
    const { grant } = await client.grants.createGrant({
      principalId: other.principalId,
      role: "viewer",
      resource: "secrets",
    });
    await client.grants.listGrants({});
    await client.grants.deleteGrant({ grantId: grant?.grantId ?? "" });
    await client.grants.createRole({ name: "reader", permissions: ["secrets.read"] });
    await client.grants.updateRole({ name: "reader", permissions: ["secrets.list"] });
    await client.grants.listRoles({});
    await client.grants.explainAccess({ permission: "secrets.read", resource: `secrets/${control}` });
    await client.grants.deleteRole({ name: "reader" });
    const { signingKey } = await client.signingKeys.rotateSigningKey({});
    await client.signingKeys.compromiseSigningKey({ keyId: signingKey?.keyId ?? "" });
    await client.signingKeys.listSigningKeys({});
    await client.secrets.putSecret({ path: control, value: Buffer.from(made.secretValue) });
    await client.secrets.destroySecret({ path: control, versions: [2] });
    await client.tokens.revoke({ token: (await logIn(visitor, second)).tokens.refreshToken });
    const { events } = await client.audit.queryEvents({ filter: { loginName, address } });
    expect(events).toEqual([]);
    await client.audit.queryEvents({ filter: { loginName } });
    tokens.push(
      { name: "bootstrap token", value: bootstrapToken },
      { name: "invitation", value: invitation },
      { name: "access token", value: first.tokens.accessToken },
      { name: "signature of an access token", value: first.tokens.accessToken.split(".")[2] ?? "" },
      { name: "refresh token", value: first.tokens.refreshToken },
      { name: "used refresh token", value: other.tokens.refreshToken },
      { name: "renewed refresh token", value: renewed?.refreshToken ?? "" },
    );
    tokens.push(...(await machineCanaries(client)), ...(await revocationCanaries(client, first.tokens.accessToken)));
    tokens.push(...(await clientCanaries(client, visitor, second)));
    await visitor.tokens.refresh({ refreshToken: renewed?.refreshToken ?? "" });
    tokens.push(...(await passwordCanaries(second)));
    return first.tokens.accessToken;
  }

  /** The second person changes the password, and tries to with another one. */
  async function passwordCanaries(account: Account): Promise<readonly Canary[]> {
    const { tokens: held } = await logIn(visitorOf(server), account);
    const { auth } = clientOf(server, held.accessToken);
    const { nextPassword: newPassword, wrongPassword } = made;
    await failing(auth.changePassword({ currentPassword: wrongPassword, newPassword }));
    await failing(auth.changePassword({ currentPassword: account.password, newPassword: "short" }));
    const { tokens: next } = await auth.changePassword({ currentPassword: account.password, newPassword });
    return [
      { name: "access token of a changed password", value: next?.accessToken ?? "" },
      { name: "refresh token of a changed password", value: next?.refreshToken ?? "" },
    ];
  }

  async function liveBadly(accessToken: string): Promise<void> {
    const [visitor, client] = [visitorOf(server), clientOf(server, accessToken)];
    const { loginName, password, wrongPassword, unknownLoginName, credential } = made;
    await failing(visitor.auth.login({ loginName, password: wrongPassword }));
    await failing(visitor.auth.login({ loginName: unknownLoginName, password }));
    await failing(visitor.auth.login({ loginName: unknownLoginName.repeat(20), password: wrongPassword }));
    await failing(
      visitor.auth.register({ loginName: unknownLoginName, password: wrongPassword, invitation: credential }),
    );
    await failing(visitor.auth.bootstrap({ loginName, password, bootstrapToken: credential }));
    await failing(visitor.tokens.refresh({ refreshToken: credential }));
    await failing(clientOf(server, credential).auth.whoAmI({}));
    await failing(clientOf(server, `${accessToken.slice(0, -6)}AAAAAA`).auth.whoAmI({}));
    const stale = { path: control, value: Buffer.from(made.staleValue), expectedVersion: 7 };
    await failing(client.secrets.putSecret(stale));
    const huge = Buffer.from(made.hugeValue.repeat(50_000));
    await failing(client.secrets.putSecret({ path: control, value: huge }));
    await failing(client.secrets.putSecret({ path: `/${control}/`, value: Buffer.from(made.staleValue) }));
    await failing(client.audit.queryEvents({ pageToken: credential }));
  }

  /** Everything that an auditor can be shown. */
  async function readTrail(): Promise<string> {
    const { tokens } = await logIn(visitorOf(server), { loginName: made.loginName, password: made.password });
    const auditor = clientOf(server, tokens.accessToken);
    const told: string[] = [];
    for (let pageToken = ""; ; ) {
      const page = await auditor.audit.queryEvents({ pageSize: 500, pageToken });
      for (const event of page.events) {
        const { entry } = await auditor.audit.getEvent({ eventId: event.eventId });
        told.push(toJsonString(EventSchema, event), Buffer.from(entry).toString());
      }
      pageToken = page.nextPageToken;
      if (pageToken === "") return told.join("\n");
    }
  }

  /** With a token of its own for each method: Logout is one of them. */
  async function callEverything(): Promise<number> {
    const visitor = visitorOf(server);
    using doors = openDoors(server, made.stray);
    let calls = 0;
    for (const method of everyMethod) {
      const { tokens } = await logIn(visitor, { loginName: made.loginName, password: made.password });
      for (const authorization of [undefined, `Bearer ${made.credential}`, `Bearer ${tokens.accessToken}`]) {
        for (const fill of [wholeFilled, plainlyFilled]) {
          const attempt = { method, request: fill(method.input, canaryOf), authorization };
          const refusals = [await doors.web(attempt), await doors.grpc(attempt)].filter((one) => one !== undefined);
          errors.push(...refusals.map((one) => (one instanceof Error ? `${one} ${JSON.stringify(one)}` : String(one))));
          calls += 1;
        }
      }
    }
    return calls;
  }

  beforeAll(async () => {
    collector = await startCollector();
    installation = await makeInstallation({
      GATEHOUSE_LOG_LEVEL: "debug",
      ...quickHashing,
      GATEHOUSE_LOG_CALLS: "all",
      GATEHOUSE_METRICS_LISTEN: "127.0.0.1:0",
      GATEHOUSE_TRACE_RATIO: "1",
      GATEHOUSE_OTLP_INTERVAL: "1s",
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.endpoint,
      OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${made.collectorKey}`,
      GATEHOUSE_MASTER_KEY: made.masterKey,
    });
    server = await installation.start();
    const accessToken = await liveWell();
    await liveBadly(accessToken);
    expect(await callEverything()).toBeGreaterThan(60);
    trail = await readTrail();
    metrics = await (await scrapedOf(server)).scrape();
    const pids = [server.pid, ...(await databaseProcesses(installation.dataDir))];
    // Some of a database's processes come and go by themselves.
    const argumentsOf = (pid: number) => readFile(`/proc/${pid}/cmdline`, "utf8").catch(() => "");
    processArguments = (await Promise.all(pids.map(argumentsOf))).join("\n");
    ended = await server.stop();
    tokens.push(...(await homeCredentials()));
    const canaries = Object.entries(made).map(([name, value]) => ({ name, value }));
    needles = needlesOf([...canaries, ...tokens]);
  }, 400_000);
  afterAll(async () => {
    await installation[Symbol.asyncDispose]();
    await collector[Symbol.asyncDispose]();
  });

  it("T-09 went through every method that the contracts hold, and each succeeded at least once", () => {
    const calls = ended.stderr.split("\n").filter((line) => /"message":"call"|"CANCELLED"/.test(line));
    const succeeded = new Set(calls.map((line) => (JSON.parse(line) as { method: string }).method));
    // A new method gets a call that succeeds in `liveWell`, or its answers are never searched.
    expect(everyMethod.map(methodName).filter((name) => !succeeded.has(name))).toEqual([]);
  });

  it("SEC-05 T-09 are in no metric and in nothing that the collector was sent", () => {
    expect(metrics).toContain("# TYPE");
    expect(findIn(Buffer.from(metrics), needles)).toEqual([]);
    expect([...collector.paths].sort()).toEqual(["/v1/metrics", "/v1/traces"]);
    expect(collector.received().includes("gatehouse.auth.v1.AuthService")).toBe(true);
    expect(findIn(collector.received(), needles)).toEqual([]);
  });

  it("SEC-05 P-05 T-09 are in no line of the log, at its most talkative", () => {
    expect(ended.code).toBe(0);
    expect(ended.stderr.split("\n").length).toBeGreaterThan(30);
    expect(ended.stderr).toContain("call refused");
    expect(findIn(Buffer.from(ended.stdout + ended.stderr), needles)).toEqual([]);
    expect(findIn(Buffer.from(processArguments), needles)).toEqual([]);
    expect(processArguments).toContain("main.ts");
  });

  it("CVE-2026-40969 RPC-09 T-09 are in no error that a caller gets", () => {
    expect(errors.length).toBeGreaterThan(60);
    expect(findIn(Buffer.from(errors.join("\n")), needles)).toEqual([]);
    expect(errors.join("\n")).not.toMatch(/select |insert |postgres|node_modules|\.ts:\d|at \S+ \(/i);
  });

  it("KEY-09 P-06 are in no file of the data directory once it has stopped", async () => {
    const publicNeedles = [{ name: "control", bytes: Buffer.from(control) }];
    expect((await findBelow(installation.dataDir, publicNeedles)).length).toBeGreaterThan(0);
    expect(await findBelow(installation.dataDir, needles)).toEqual([]);
    expect(existsSync(join(installation.dataDir, "bootstrap-token"))).toBe(false);
  });

  it("AUD-09 KEY-09 are in no table, the audit trail included", async () => {
    const rows = await rowsOf(installation.dataDir);
    expect(findIn(rows, [{ name: "control", bytes: Buffer.from(control) }])).toEqual(["control"]);
    expect(findIn(rows, needles)).toEqual([]);
  });

  it("AUD-09 are not told to auditors either, but for who tried to log in", () => {
    expect(trail).toContain(made.loginName);
    expect(trail).toContain(made.unknownLoginName);
    const secrets = needlesOf([
      ...Object.entries(made)
        .filter(([name]) => !toldToAuditors.has(name))
        .map(([name, value]) => ({ name, value })),
      ...tokens,
    ]);
    expect(findIn(Buffer.from(trail), secrets)).toEqual([]);
  });

  it("T-09 would be found in a file of the data directory, were they planted there", async () => {
    const planted = join(installation.dataDir, "planted");
    const forms = [made.password, Buffer.from(made.masterKey).toString("hex"), encodeURIComponent(made.loginName)];
    await writeFile(planted, forms.join("\n"));
    const found = await findBelow(installation.dataDir, needles);
    for (const name of ["password in clear", "masterKey in hex", "loginName in clear"])
      expect(found).toContain(`/planted: ${name}`);
    await rm(planted);
  });

  it("would be found in every form that they could take", () => {
    const value = made.secretValue;
    const bytes = Buffer.from(`ab${value}c`);
    for (const text of [value, bytes.toString("base64"), bytes.toString("base64url"), bytes.toString("hex")]) {
      const found = findIn(Buffer.from(`prefix ${text} suffix`), needles);
      expect(found.length).toBeGreaterThan(0);
      expect(found.every((name) => name.startsWith("secretValue "))).toBe(true);
    }
  });
});
