// Values that only their owner may see, driven through every method, well and badly: afterwards they are in no log, no
// error, no argument of a process, no file and no table.
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import {
  create,
  type DescField,
  type DescMessage,
  type DescMethod,
  getOption,
  ScalarType,
  toJsonString,
} from "@bufbuild/protobuf";
import { reflect } from "@bufbuild/protobuf/reflect";
import { createClient } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { services } from "../../../clients/typescript/src/core/services.ts";
import { GatehouseError } from "../../../clients/typescript/src/index.ts";
import { createGrpcTransport } from "../../../clients/typescript/src/transport/grpc.ts";
import { EventSchema } from "../../../gen/ts/gatehouse/audit/v1/audit_service_pb.js";
import { data, FieldData } from "../../../gen/ts/gatehouse/options/v1/policy_pb.js";
import { connect } from "../../../src/postgres/connection.ts";
import { startEmbedded } from "../../../src/postgres/embedded/server.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";
import { type Canary, findBelow, findIn, type Needle, needlesOf } from "./canaries.ts";
import type { Ended, GatehouseProcess } from "./gatehouse-process.ts";
import {
  bootstrap,
  clientOf,
  databaseProcesses,
  type Installation,
  logIn,
  makeInstallation,
  visitorOf,
} from "./installation.ts";

const unique = (): string => randomBytes(12).toString("hex");
/** Public on purpose: shows that the search finds what is there. */
const control = `control/${unique()}`;

const made = {
  password: `pa55 ${unique()} word`,
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
};

/** What the audit trail keeps, sealed, for those who may read it: who tried to log in, and from where. */
const toldToAuditors: ReadonlySet<string> = new Set(["loginName", "unknownLoginName", "subjectAddress", "anyName"]);

/** A request whose secret and personal fields hold canaries, and whose others hold something that is none. */
function filled(message: DescMessage) {
  const request = create(message);
  const writing = reflect(message, request);
  const values: Partial<Record<FieldData, string>> = {
    [FieldData.SECRET]: made.anySecret,
    [FieldData.PERSONAL]: made.anyName,
  };
  const set = (field: DescField): void => {
    if (field.fieldKind !== "scalar" || field.oneof !== undefined) return;
    const value = values[getOption(field, data)] ?? "x";
    if (field.scalar === ScalarType.STRING) writing.set(field, value);
    if (field.scalar === ScalarType.BYTES) writing.set(field, Buffer.from(value));
  };
  message.fields.forEach(set);
  return request;
}

function told(error: unknown): string {
  if (!(error instanceof GatehouseError)) return String(error);
  const { message, reason, violations, metadata } = error;
  return JSON.stringify({ message, reason, violations, metadata, cause: String(error.cause) });
}

async function rowsOf(dataDir: string): Promise<Buffer> {
  const server = await startEmbedded({ dataDirectory: dataDir, logger: silentLogger });
  const client = await connect(server.connection("owner"), 5_000);
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'",
    );
    const cells: Buffer[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<Record<string, unknown>>(`select * from ${name}`);
      for (const cell of rows.flatMap((row) => Object.values(row))) {
        cells.push(Buffer.isBuffer(cell) ? cell : Buffer.from(typeof cell === "string" ? cell : JSON.stringify(cell)));
      }
    }
    return Buffer.concat(cells.flatMap((cell) => [cell, Buffer.from("\n")]));
  } finally {
    await client.end();
    await server.stop();
  }
}

describe("values that only their owner may see", () => {
  let installation: Installation;
  let server: GatehouseProcess;
  let needles: readonly Needle[];
  let ended: Ended;
  let processArguments: string;
  let trail: string;
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
    await client.sessions.listSessions({});
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
    await visitor.tokens.refresh({ refreshToken: renewed?.refreshToken ?? "" });
    return first.tokens.accessToken;
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
    const transport = createGrpcTransport({ address: server.address, retry: { maxAttempts: 1 } });
    let calls = 0;
    for (const service of Object.values(services)) {
      const client = createClient(service, transport.transport) as unknown as Record<
        string,
        (request: unknown, options: { headers: Record<string, string> }) => Promise<unknown>
      >;
      for (const method of service.methods as readonly DescMethod[]) {
        const { tokens } = await logIn(visitor, { loginName: made.loginName, password: made.password });
        for (const authorization of [undefined, `Bearer ${made.credential}`, `Bearer ${tokens.accessToken}`]) {
          const headers = authorization === undefined ? {} : { authorization };
          await client[method.localName]?.(filled(method.input), { headers }).catch((error: unknown) => {
            errors.push(String(error), JSON.stringify(error));
          });
          calls += 1;
        }
      }
    }
    transport.close();
    return calls;
  }

  beforeAll(async () => {
    installation = await makeInstallation({
      GATEHOUSE_LOG_LEVEL: "debug",
      GATEHOUSE_ARGON2_MEMORY_KIB: "19456",
      GATEHOUSE_ARGON2_ITERATIONS: "2",
    });
    server = await installation.start();
    const accessToken = await liveWell();
    await liveBadly(accessToken);
    expect(await callEverything()).toBeGreaterThan(60);
    trail = await readTrail();
    const pids = [server.pid, ...(await databaseProcesses(installation.dataDir))];
    processArguments = (await Promise.all(pids.map((pid) => readFile(`/proc/${pid}/cmdline`, "utf8")))).join("\n");
    ended = await server.stop();
    const canaries = Object.entries(made).map(([name, value]) => ({ name, value }));
    needles = needlesOf([...canaries, ...tokens]);
  }, 60_000);
  afterAll(() => installation[Symbol.asyncDispose]());

  it("SEC-05 P-05 T-09 are in no line of the log, at its most talkative", () => {
    expect(ended.code).toBe(0);
    expect(ended.stderr.split("\n").length).toBeGreaterThan(30);
    expect(ended.stderr).toContain("call refused");
    expect(findIn(Buffer.from(ended.stdout + ended.stderr), needles)).toEqual([]);
    expect(findIn(Buffer.from(processArguments), needles)).toEqual([]);
    expect(processArguments).toContain("main.ts");
  });

  it("RPC-09 T-09 are in no error that a caller gets", () => {
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
