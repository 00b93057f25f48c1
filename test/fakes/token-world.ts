// The whole Token slice with real keys around what a test holds in its hands: clock, standings, feed, database.

import { randomBytes } from "node:crypto";
import type { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { generations } from "../../src/auth/standing/generations.ts";
import type { FeedEvent, LoneWriter, Reader, Row, Statement } from "../../src/kernel/database.ts";
import type { Call, PeerCertificate, UnaryHandler } from "../../src/kernel/handler.ts";
import { createHmacKey } from "../../src/kernel/hmac.ts";
import type { Metrics } from "../../src/kernel/metrics.ts";
import { unobserved } from "../../src/kernel/observer.ts";
import type { Clients, Standings } from "../../src/kernel/ports.ts";
import type { Grant, Principal, Standing } from "../../src/kernel/principal.ts";
import type { Macs, SubjectKeys } from "../../src/kernel/sealing.ts";
import type { UnitOfWork } from "../../src/kernel/unit-of-work.ts";
import { createMacs } from "../../src/keys/macs.ts";
import type { TokenSettings } from "../../src/token/settings.ts";
import { createTokenSlice, type TokenSliceDeps } from "../../src/token/slice.ts";
import { fakeCall } from "./call.ts";
import { fakeClients } from "./clients.ts";
import { createFakeFeed } from "./feed-replay.ts";
import { fakeMachines } from "./machines.ts";
import { fakePageTokens } from "./page-tokens.ts";
import { createTestSigner, type TestSigner } from "./token-signer.ts";
import { createFakeUnitOfWork } from "./unit-of-work.ts";

const minute = 60_000;
const day = 24 * 60 * minute;

export const tokenSettings: TokenSettings = {
  issuer: "https://gatehouse.test",
  ownAudience: "gatehouse",
  defaultAudience: "gatehouse",
  accessTokenLifetimeMs: 30 * minute,
  refreshTokenLifetimeMs: 7 * day,
  refreshGraceMs: 30_000,
  sessionIdleMs: 7 * day,
  sessionAbsoluteMs: 90 * day,
  foreignHmacKey: undefined,
  dpop: { origins: new Set(["https://gatehouse.test"]), nonce: false },
};

/** Real MACs over keys that are thrown away; `turnOver` puts a new version in force, `forget` destroys one. */
export function createTestMacs(): Macs & { turnOver(): void; forget(version: number): void } {
  const keys = new Map([[1, createHmacKey("sha256", randomBytes(32))]]);
  const macs = createMacs({
    current: () => Math.max(...keys.keys()),
    sealKey: () => undefined,
    macKey: (purpose, version) =>
      purpose === "refresh-token" || purpose === "token-hash" ? keys.get(version) : undefined,
    versions: () => [...keys.keys()],
  });
  return {
    ...macs,
    turnOver: () => void keys.set(Math.max(...keys.keys()) + 1, createHmacKey("sha256", randomBytes(32))),
    forget: (version) => void keys.delete(version),
  };
}

/** Hides nothing, but opens only where it belongs. */
const plainSubjectKeys: SubjectKeys = {
  prepare: () => Promise.reject(new Error("not part of these tests")),
  seal: () => Promise.reject(new Error("not part of these tests")),
  async open(subject, binding, sealed) {
    const [owner, kind, id, ...rest] = Buffer.from(sealed).toString().split("|");
    if (owner !== subject || kind !== binding.kind || id !== binding.id) throw new Error("does not open");
    return Buffer.from(rest.join("|"));
  },
};

export function standingOf(principalId: string, more: Partial<Standing> = {}): Standing {
  return { principalId, kind: "person", active: true, generation: 1, roles: [], grants: [], ...more };
}

export interface TestStandings extends Standings {
  /** In memory and in the database. */
  set(standing: Standing): void;
  /** In the database alone, as if another replica had just written it. */
  setElsewhere(standing: Standing): void;
  /** Out of memory, still in the database. */
  drop(principalId: string): void;
  readonly asked: string[];
}

function createTestStandings(): TestStandings {
  const memory = new Map<string, Standing>();
  const stored = new Map<string, Standing>();
  const asked: string[] = [];
  return {
    asked,
    set(standing) {
      memory.set(standing.principalId, standing);
      stored.set(standing.principalId, standing);
    },
    setElsewhere: (standing) => void stored.set(standing.principalId, standing),
    drop: (id) => void memory.delete(id),
    peek: (id) => memory.get(id),
    async of(id) {
      asked.push("of");
      return memory.get(id) ?? stored.get(id);
    },
    async fresh(id) {
      asked.push("fresh");
      return stored.get(id);
    },
  };
}

export interface TokenWorldOptions {
  readonly clients?: Clients;
  readonly settings?: Partial<TokenSettings>;
  readonly signer?: TestSigner;
  readonly macs?: Macs;
  readonly reader?: Reader;
  readonly writer?: LoneWriter;
  readonly machines?: TokenSliceDeps["machines"];
  readonly unitOfWork?: UnitOfWork;
  readonly metrics?: Metrics;
}

export interface CallOptions {
  readonly principal?: Principal;
  readonly grants?: readonly Grant[];
  readonly certificate?: PeerCertificate;
  /** DPoP proofs in the metadata. */
  readonly proofs?: readonly string[];
}

/** Remembers used proofs, as the database would. */
export function rememberingWriter(): LoneWriter {
  const taken = new Set<string>();
  return {
    async write<R extends Row>({ name }: Statement, [hash]: readonly unknown[]) {
      if (name === "token.dpop_sweep") return [];
      if (name !== "token.dpop_take") throw new Error(`${name} is not part of these tests`);
      const key = (hash as Buffer).toString("hex");
      if (taken.has(key)) return [];
      taken.add(key);
      return [{}] as unknown as R[];
    },
  };
}

/** A reader for tests that must not reach the database. */
const noReader: Reader = {
  rows: () => Promise.reject(new Error("the database was asked")),
};

export type Handler<K extends keyof typeof TokenService.method> = UnaryHandler<(typeof TokenService.method)[K]>;

export function createTokenWorld(options: TokenWorldOptions = {}) {
  const settings = { ...tokenSettings, ...options.settings };
  const signer = options.signer ?? createTestSigner();
  const standings = createTestStandings();
  const freshness = { isFresh: true, fresh: () => freshness.isFresh };
  const clients = options.clients ?? fakeClients();
  const replay = createFakeFeed();
  const time = { now: new Date("2026-11-21T12:00:00.000Z") };
  const unitOfWork = options.unitOfWork ?? createFakeUnitOfWork();
  const slice = createTokenSlice({
    ...unobserved,
    metrics: options.metrics ?? unobserved.metrics,
    reader: options.reader ?? noReader,
    writer: options.writer ?? rememberingWriter(),
    machines: options.machines ?? fakeMachines(),
    displayNames: { of: async () => undefined },
    signingKeys: signer,
    pageTokens: fakePageTokens,
    clients,
    macs: options.macs ?? createTestMacs(),
    subjectKeys: plainSubjectKeys,
    standings,
    freshness,
    feed: replay,
    generations,
    settings,
  });
  function call({ principal, grants = [], ...shown }: CallOptions = {}): Call {
    const standing = principal && { ...principal.standing, grants: [...principal.standing.grants, ...grants] };
    const caller = principal && standing ? { principal: { ...principal, standing } } : {};
    return fakeCall({ ...shown, ...caller, now: time.now, unitOfWork });
  }

  const handler = <K extends keyof typeof TokenService.method>(name: K) =>
    slice.bindings[0]?.handlers[name] as Handler<K>;
  const feed = (...events: FeedEvent[]) => slice.onFeed(events);
  const pass = (milliseconds: number) => {
    time.now = new Date(time.now.getTime() + milliseconds);
  };
  return { settings, signer, standings, freshness, replay, time, pass, slice, call, handler, feed };
}

export type TokenWorld = ReturnType<typeof createTokenWorld>;
