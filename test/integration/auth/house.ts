// The Auth slice over everything it really stands on: Postgres, real keys and Token's sessions. Only hashing is
// cheap, and records are kept in memory where a test can read them.

import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create, type DescMethod, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { vi } from "vitest";
import { createAuditSlice } from "../../../src/audit/slice.ts";
import { type CredentialChecks, createCredentialChecks } from "../../../src/auth/credential-checks.ts";
import { createKnownClients, type KnownClients } from "../../../src/auth/known-clients/known-clients.ts";
import { createDisplayNames } from "../../../src/auth/person/display-names.ts";
import { type AuthSettings, type AuthSlice, createAuthSlice } from "../../../src/auth/slice.ts";
import { generations } from "../../../src/auth/standing/generations.ts";
import { createStandings, type StandingCache } from "../../../src/auth/standing/standings.ts";
import { createContracts } from "../../../src/contracts.ts";
import type { AccessConditions } from "../../../src/kernel/access-rule.ts";
import type { AuditDraft, AuditWriter } from "../../../src/kernel/audit.ts";
import type { Reader } from "../../../src/kernel/database.ts";
import type { UnaryHandler } from "../../../src/kernel/handler.ts";
import { parseId, uuidv7 } from "../../../src/kernel/ids.ts";
import { everywhere } from "../../../src/kernel/networks.ts";
import { unobserved } from "../../../src/kernel/observer.ts";
import type { WorkloadIssuers } from "../../../src/kernel/ports.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import type { UnitOfWork } from "../../../src/kernel/unit-of-work.ts";
import { type Keys, openKeys } from "../../../src/keys/open.ts";
import { createTokenSlice, type TokenSlice } from "../../../src/token/slice.ts";
import { callTime, type FakeCallOptions, fakeCall } from "../../fakes/call.ts";
import { createFakeFeed } from "../../fakes/feed-replay.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { openTestKeys } from "../../fixtures/key-home.ts";
import { signingKeyTimes } from "../../fixtures/signing-keys.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

export const goodPassword = "mellon to the friends";

// Passwords are hashed by threads that take what others leave: beside processes that take the cores, twenty took 65 s.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const day = 86_400_000;
const always = { fresh: () => true };

export interface HouseSettings extends Partial<AuthSettings> {
  /** The clusters whose tokens are believed. Default: none. */
  readonly issuers?: WorkloadIssuers | undefined;
  /** Told of each statement before it reads, and waited for: what others do in between is the test's to say. */
  readonly beforeRead?: (statement: string) => void | Promise<void>;
}

export interface House {
  readonly database: TestDatabase;
  readonly keys: Keys;
  readonly slice: AuthSlice;
  readonly token: TokenSlice;
  readonly standings: StandingCache;
  readonly clients: KnownClients;
  readonly machines: CredentialChecks;
  readonly unitOfWork: UnitOfWork;
  readonly dataDir: string;
  /** Records that were committed, in order. */
  readonly records: AuditDraft[];
  /** Moves only when a test says so. */
  readonly clock: { time: Date; now(): Date };
  /** Calls the method as `caller`, or as nobody. Rejects as the handler does. */
  call<M extends DescMethod>(
    method: M,
    request: MessageInitShape<M["input"]>,
    caller?: Principal,
    shown?: Pick<FakeCallOptions, "proofs" | "certificate">,
  ): Promise<MessageShape<M["output"]>>;
  /** The principal that the chain would make of a token of this person, as of now. */
  principal(principalId: string, scopes?: readonly string[]): Promise<Principal>;
  /** A second server over the same database and keys. */
  replica(settings?: HouseSettings): Promise<House>;
  close(): Promise<void>;
}

/** What replicas share. */
interface Ground {
  readonly installationId: string;
  readonly database: TestDatabase;
  readonly keys: Keys;
}

/** The real writer, and a copy of every record in the order of storing. */
function recordingWriter({ installationId, database, keys }: Ground, records: AuditDraft[]): AuditWriter {
  const { subjects, sealer, blindIndex, pageTokens } = keys;
  const { reader, writer: lone } = database;
  const { writer } = createAuditSlice({
    ...unobserved,
    installationId,
    reader,
    writer: lone,
    keys: { subjects, sealer, blindIndex },
    pageTokens,
  });
  return {
    prepare: (draft) => writer.prepare(draft),
    insert: async (tx, prepared) => {
      await writer.insert(tx, prepared);
      records.push(...prepared.map(({ draft }) => structuredClone(draft)));
    },
  };
}

const tokenSettings = {
  issuer: "https://gatehouse.test",
  ownAudience: "gatehouse",
  defaultAudience: "gatehouse",
  accessTokenLifetimeMs: 1_800_000,
  refreshTokenLifetimeMs: 7 * day,
  refreshGraceMs: 30_000,
  sessionIdleMs: 7 * day,
  sessionAbsoluteMs: 90 * day,
  foreignHmacKey: undefined,
  dpop: { origins: new Set(["https://gatehouse.test"]), nonce: false },
};

const defaultSettings = {
  registration: "invite",
  passwordMinLength: 8,
  argon2: { memoryKib: 256, iterations: 1, parallelism: 1 },
  loginLanes: 1,
  loginQueue: 64,
  loginNiceness: 0,
  clients: {
    accessTokenLifetimeMs: 1_800_000,
    refreshTokenLifetimeMs: 604_800_000,
    ownAudience: "gatehouse",
    hmacAudience: undefined,
  },
} as const;

const fromAnywhere: AccessConditions = { stepUpAgeMs: undefined, secondFactor: false, adminNetworks: () => everywhere };

async function furnish(ground: Ground, settings: HouseSettings, own: () => Promise<void>, access = fromAnywhere) {
  const { database, keys } = ground;
  const dataDir = await mkdtemp(join(tmpdir(), "gatehouse-auth-"));
  const records: AuditDraft[] = [];
  const unitOfWork = database.unitOfWork(recordingWriter(ground, records));
  const clock = {
    time: callTime,
    now() {
      return this.time;
    },
  };
  const reader: Reader = {
    async rows(statement, parameters) {
      await settings.beforeRead?.(statement.name);
      return database.reader.rows(statement, parameters);
    },
  };
  const standings = createStandings({ reader, freshness: always, clock });
  const clients = createKnownClients({ reader, writer: database.writer, freshness: always, macs: keys.macs });
  const shared = { reader, macs: keys.macs, subjectKeys: keys.subjects, standings, clients };
  const machines = createCredentialChecks({
    ...shared,
    writer: database.writer,
    freshness: always,
    issuers: settings.issuers,
  });
  const token = createTokenSlice({
    ...unobserved,
    ...shared,
    machines,
    displayNames: createDisplayNames(shared),
    writer: database.writer,
    signingKeys: keys.signingKeys,
    pageTokens: keys.pageTokens,
    freshness: always,
    feed: createFakeFeed(),
    generations,
    settings: tokenSettings,
  });
  const slice = createAuthSlice({
    ...unobserved,
    ...shared,
    settings: { ...defaultSettings, dataDir, ...settings },
    contracts: createContracts(),
    access,
    unitOfWork,
    sealer: keys.sealer,
    pageTokens: keys.pageTokens,
    sessions: token.sessions,
    machines,
    logger: silentLogger,
  });
  const house: House = {
    database,
    keys,
    slice,
    token,
    standings,
    clients,
    machines,
    unitOfWork,
    dataDir,
    records,
    clock,
    async call(method, request, caller, shown = {}) {
      const handlers = [...slice.bindings, ...token.bindings].find(
        ({ service }) => service === method.parent,
      )?.handlers;
      const handler = handlers?.[method.localName] as UnaryHandler<typeof method>;
      const principal = caller === undefined ? {} : { principal: caller };
      const call = fakeCall({ ...shown, ...principal, now: clock.time, unitOfWork });
      const message = create(method.input, request) as MessageShape<(typeof method)["input"]>;
      return (await handler(message, call)) as MessageShape<(typeof method)["output"]>;
    },
    async principal(principalId, scopes = ["*"]) {
      const standing = await standings.fresh(parseId("principal", principalId) ?? principalId);
      if (standing === undefined) throw new Error("no such principal");
      return {
        id: standing.principalId,
        kind: "person",
        sessionId: undefined,
        clientId: "gatehouse",
        tokenId: "",
        scopes: new Set(scopes),
        authenticationMethods: ["pwd"],
        authenticatedAt: clock.time,
        tokenExpiresAt: clock.time,
        standing,
      };
    },
    replica: (more = {}) => furnish(ground, { ...settings, ...more }, async () => {}, access),
    async close() {
      await slice.close();
      await rm(dataDir, { recursive: true });
      await own();
    },
  };
  return house;
}

export async function openHouse(settings: HouseSettings = {}, access = fromAnywhere): Promise<House> {
  const database = await startTestDatabase({ poolSize: 16 });
  const home = await openTestKeys();
  const installationId = uuidv7(new Date());
  const keys = await openKeys({
    ...home.options,
    installationId,
    algorithms: ["ES256"],
    signingKeyTimes,
    reader: database.reader,
    clock: { now: () => callTime },
    logger: silentLogger,
  });
  await keys.settle(database.unitOfWork());
  const own = async () => {
    keys.close();
    // The run's server is thrown away as a whole; a backend that is still on its way out must not fail a test.
    await database.drop().catch(() => {});
    await home.close();
  };
  return furnish({ installationId, database, keys }, settings, own, access);
}

/** The first administrator, made the way it is really made. */
export async function bootstrap(house: House, loginName = "root") {
  const path = await house.slice.ensureBootstrapToken(house.clock.time);
  const bootstrapToken = (await readFile(path ?? "", "utf8")).trim();
  const request = { bootstrapToken, loginName, password: goodPassword };
  const { principalId } = await house.call(AuthService.method.bootstrap, request);
  return { principalId, caller: await house.principal(principalId) };
}
