// Settings that are right one by one and wrong together. Each row is one sentence for the operator.
import { resolve, sep } from "node:path";
import { isLoopback } from "./kinds.ts";
import type { Config } from "./schema.ts";
import { tlsContradictions } from "./tls-contradictions.ts";
import { vaultContradictions } from "./vault-contradictions.ts";
import { webContradictions } from "./web-contradictions.ts";

/** The path that `<env>_FILE` holds, if any. */
export type FileOf = (env: string) => string | undefined;

export interface Contradiction {
  /** The settings that the sentence is about. Unless all of them were readable, the rule is not asked. */
  readonly about: readonly (keyof Config)[];
  readonly when: (config: Config, fileOf: FileOf) => boolean;
  readonly say: string;
}

/** Words that published examples and framework defaults are made of; a secret of nothing else is one of them. */
const exampleWords =
  /^(?:super|secret|change|replace|me|it|this|password|default|example|test(?:ing)?|dev(?:elopment)?|prod(?:uction)?|insecure|unsafe|jwt|hs256|signing|your|my|the|token|key|is|with|not|for|use|in|do|please|very|long|string|value|here|at|least|bits?|bytes?|chars?|characters|random|generated?|gatehouse|a|[-_ .!?$]|\d)+$/i;

/** From the best-known tutorial of a Python framework; random once, public since. */
const publishedKeys = new Set(["09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7"]);

function isPublished(text: string): boolean {
  return exampleWords.test(text) || publishedKeys.has(text.toLowerCase());
}

function repeatsItself(text: string): boolean {
  return new Set(text).size < 8;
}

const doors = [
  { key: "grpcListen", env: "GATEHOUSE_GRPC_LISTEN" },
  { key: "webListen", env: "GATEHOUSE_WEB_LISTEN" },
] as const;

function reachesOut(config: Config, key: (typeof doors)[number]["key"]): boolean {
  const listen = config[key];
  return listen !== "off" && !listen.loopback;
}

function beyondLoopback(config: Config): boolean {
  return doors.some(({ key }) => reachesOut(config, key));
}

function inside(directory: string, file: string | undefined): boolean {
  return file !== undefined && resolve(file).startsWith(`${resolve(directory)}${sep}`);
}

function belowArgon2Floor({ argon2MemoryKib: memory, argon2Iterations: passes }: Config): boolean {
  return !((memory >= 19_456 && passes >= 2) || memory >= 47_104);
}

const listening: readonly Contradiction[] = [
  ...doors.flatMap(({ key, env }): Contradiction[] => [
    {
      about: [key, "insecurePlaintext", "tlsCertificateFile"],
      when: (config) => reachesOut(config, key) && !config.insecurePlaintext && config.tlsCertificateFile === undefined,
      say: `${env} reaches beyond loopback in plaintext: give GATEHOUSE_TLS_CERT_FILE, listen on loopback or a Unix socket, or set GATEHOUSE_INSECURE_PLAINTEXT=true`,
    },
    {
      about: [key, "keys", "masterKey"],
      when: (config) => reachesOut(config, key) && config.keys === "local" && config.masterKey === undefined,
      say: `${env} reaches beyond loopback, so local keys need GATEHOUSE_MASTER_KEY from outside the data directory`,
    },
  ]),
  {
    about: ["grpcListen", "webListen", "keys", "masterKey", "dataDir"],
    when: (config, fileOf) => beyondLoopback(config) && inside(config.dataDir, fileOf("GATEHOUSE_MASTER_KEY")),
    say: "GATEHOUSE_MASTER_KEY_FILE lies inside GATEHOUSE_DATA_DIR: beyond loopback the master key comes from outside it",
  },
  {
    about: ["socketGroup", "socketMode"],
    when: (config) => config.socketGroup !== undefined && (config.socketMode & 0o060) === 0,
    say: "GATEHOUSE_SOCKET_GROUP is given and GATEHOUSE_SOCKET_MODE lets no group in: set GATEHOUSE_SOCKET_MODE=0660",
  },
];

const database: readonly Contradiction[] = [
  {
    about: ["databaseUrl", "databaseCaFile"],
    when: (config) => config.databaseCaFile !== undefined && config.databaseUrl === undefined,
    say: "GATEHOUSE_DATABASE_CA_FILE is given without GATEHOUSE_DATABASE_URL, so the embedded database would be served",
  },
  {
    about: ["databaseUrl", "databaseOwnerUrl"],
    when: (config) => config.databaseOwnerUrl !== undefined && config.databaseUrl === undefined,
    say: "GATEHOUSE_DATABASE_OWNER_URL is given without GATEHOUSE_DATABASE_URL, so the embedded database would be served",
  },
  {
    about: ["databaseUrl", "databaseOwnerUrl"],
    when: (config) =>
      config.databaseUrl !== undefined && config.databaseUrl.expose() === config.databaseOwnerUrl?.expose(),
    say: "GATEHOUSE_DATABASE_URL and GATEHOUSE_DATABASE_OWNER_URL are the same: the application's login must not own the schema",
  },
];

/** Whether a secret would leave the machine in clear. `plain`: the scheme without TLS. */
function inClear(text: string | undefined, plain: "redis:" | "http:", { insecurePlaintext }: Config): boolean {
  const url = text === undefined ? undefined : new URL(text);
  if (url?.protocol !== plain || insecurePlaintext) return false;
  return !isLoopback(url.hostname.replace(/^\[|\]$/g, ""));
}

const redis: readonly Contradiction[] = [
  {
    about: ["redisUrl", "insecurePlaintext"],
    when: (config) => inClear(config.redisUrl?.expose(), "redis:", config),
    say: "GATEHOUSE_REDIS_URL reaches beyond loopback in plaintext: use rediss://, or set GATEHOUSE_INSECURE_PLAINTEXT=true",
  },
  {
    about: ["redisUrl", "redisCa"],
    when: ({ redisUrl, redisCa }) => redisCa !== undefined && redisUrl?.expose().startsWith("rediss:") !== true,
    say: "GATEHOUSE_REDIS_CA is given without a rediss:// URL in GATEHOUSE_REDIS_URL",
  },
];

const tokens: readonly Contradiction[] = [
  {
    about: ["jwtAlgorithm", "jwtAudience", "audience"],
    when: (config) => config.jwtAlgorithm === "HS256" && config.jwtAudience === config.audience,
    say: "JWT_ALGORITHM=HS256 needs a JWT_AUDIENCE other than GATEHOUSE_AUDIENCE: Gatehouse itself accepts asymmetric signatures only",
  },
  {
    about: ["jwtAlgorithm", "jwtSecretKey"],
    when: (config) => config.jwtAlgorithm === "HS256" && config.jwtSecretKey === undefined,
    say: "JWT_ALGORITHM=HS256 needs JWT_SECRET_KEY",
  },
  {
    about: ["jwtAlgorithm", "jwtSecretKey"],
    when: (config) => config.jwtAlgorithm !== "HS256" && config.jwtSecretKey !== undefined,
    say: "JWT_SECRET_KEY is for JWT_ALGORITHM=HS256 only: unset it, the other algorithms have keys of their own",
  },
  {
    about: ["jwtSecretKey"],
    when: ({ jwtSecretKey: key }) => key !== undefined && Buffer.byteLength(key.expose()) < 32,
    say: "JWT_SECRET_KEY is shorter than 32 bytes",
  },
  {
    about: ["jwtSecretKey"],
    when: ({ jwtSecretKey: key }) => key !== undefined && (isPublished(key.expose()) || repeatsItself(key.expose())),
    say: "JWT_SECRET_KEY is a known example or repeats itself: make one with `openssl rand -base64 48`",
  },
];

const lifetimes: readonly Contradiction[] = [
  {
    about: ["accessTokenLifetimeMs", "refreshTokenLifetimeMs"],
    when: (config) => config.accessTokenLifetimeMs >= config.refreshTokenLifetimeMs,
    say: "JWT_ACCESS_TOKEN_EXPIRE_MINUTES is not shorter than JWT_REFRESH_TOKEN_EXPIRE_DAYS",
  },
  {
    about: ["sessionIdleMs", "sessionAbsoluteMs"],
    when: (config) => config.sessionIdleMs > config.sessionAbsoluteMs,
    say: "GATEHOUSE_SESSION_IDLE is longer than GATEHOUSE_SESSION_ABSOLUTE",
  },
  {
    about: ["sessionIdleMs", "accessTokenLifetimeMs"],
    when: (config) => config.sessionIdleMs < config.accessTokenLifetimeMs,
    say: "GATEHOUSE_SESSION_IDLE is shorter than JWT_ACCESS_TOKEN_EXPIRE_MINUTES, so sessions would end before their first refresh",
  },
  {
    about: ["refreshTokenLifetimeMs", "sessionAbsoluteMs"],
    when: (config) => config.refreshTokenLifetimeMs > config.sessionAbsoluteMs,
    say: "JWT_REFRESH_TOKEN_EXPIRE_DAYS is longer than GATEHOUSE_SESSION_ABSOLUTE",
  },
  {
    about: ["signingKeyRotationMs", "signingKeyLeadMs"],
    when: ({ signingKeyRotationMs: rotation, signingKeyLeadMs: lead }) => rotation !== "off" && rotation < 2 * lead,
    say: "GATEHOUSE_SIGNING_KEY_ROTATION is shorter than twice GATEHOUSE_SIGNING_KEY_LEAD",
  },
  {
    about: ["deadlineDefaultMs", "deadlineMaxMs"],
    when: (config) => config.deadlineDefaultMs > config.deadlineMaxMs,
    say: "GATEHOUSE_DEADLINE_DEFAULT is longer than GATEHOUSE_DEADLINE_MAX",
  },
];

const passwords: readonly Contradiction[] = [
  {
    about: ["argon2MemoryKib", "argon2Iterations"],
    when: belowArgon2Floor,
    say: "GATEHOUSE_ARGON2_MEMORY_KIB and GATEHOUSE_ARGON2_ITERATIONS are below the floor of 19456 KiB and 2, or 47104 KiB and 1",
  },
  {
    about: ["passwordPolicy", "passwordMinLength"],
    when: (config) => config.passwordPolicy === "sp800-63b-4" && config.passwordMinLength < 15,
    say: "GATEHOUSE_PASSWORD_POLICY=sp800-63b-4 needs a GATEHOUSE_PASSWORD_MIN_LENGTH of at least 15",
  },
];

const observability: readonly Contradiction[] = [
  {
    about: ["metricsListen", "metricsExposed"],
    when: ({ metricsListen: listen, metricsExposed }) => listen !== "off" && !listen.loopback && !metricsExposed,
    say: "GATEHOUSE_METRICS_LISTEN reaches beyond loopback and metrics have no login: listen on loopback, or set GATEHOUSE_METRICS_EXPOSED=true behind a firewall",
  },
  {
    about: ["otlpEndpoint", "otlpHeaders"],
    when: (config) => config.otlpHeaders !== undefined && config.otlpEndpoint === undefined,
    say: "OTEL_EXPORTER_OTLP_HEADERS is given without OTEL_EXPORTER_OTLP_ENDPOINT",
  },
  {
    about: ["otlpEndpoint", "otlpHeaders", "insecurePlaintext"],
    when: (config) => config.otlpHeaders !== undefined && inClear(config.otlpEndpoint, "http:", config),
    say: "OTEL_EXPORTER_OTLP_HEADERS would reach beyond loopback in plaintext: use https in OTEL_EXPORTER_OTLP_ENDPOINT, or set GATEHOUSE_INSECURE_PLAINTEXT=true",
  },
];

export const contradictions: readonly Contradiction[] = [
  ...listening,
  ...tlsContradictions,
  ...webContradictions,
  ...database,
  ...vaultContradictions,
  ...redis,
  ...tokens,
  ...lifetimes,
  ...passwords,
  ...observability,
];
