// The one table of settings. docs/settings.md is generated from it, `gatehouse config` prints it, load.ts reads it;
// a setting that is not here does not exist, and its name refuses to start.
import * as is from "./kinds.ts";

/** A default that depends on another setting, which is told by its environment name. */
export interface FollowingDefault {
  readonly doc: string;
  readonly from: (text: (env: string) => string | undefined) => string | undefined;
}

export interface Setting<T, Optional extends boolean = boolean> {
  readonly env: string;
  readonly kind: is.Kind<T>;
  /** Written as an operator would; `undefined` = there is none and the setting may stay unset. */
  readonly default: Optional extends true ? undefined : string | FollowingDefault;
  readonly doc: string;
  /** Sensitive values are masked wherever they are printed, and may come from the file that `<NAME>_FILE` points to. */
  readonly visibility: "visible" | "sensitive";
}

type Described<T> = Omit<Setting<T>, "default" | "visibility">;

function setting<T>(described: Described<T> & { readonly default: string | FollowingDefault }): Setting<T, false> {
  return { ...described, visibility: "visible" };
}

function sensitive<T>(described: Described<T>): Setting<T, true> {
  return { ...described, default: undefined, visibility: "sensitive" };
}

const minute = 60_000;
const day = 24 * 60 * minute;

export const settings = {
  grpcListen: setting({
    env: "GATEHOUSE_GRPC_LISTEN",
    kind: is.listen,
    default: "127.0.0.1:50051",
    doc: "Where gRPC is served. Port 0 takes a free port.",
  }),
  insecurePlaintext: setting({
    env: "GATEHOUSE_INSECURE_PLAINTEXT",
    kind: is.boolean,
    default: "false",
    doc: "Serve without TLS on an address that other machines reach. Credentials then cross the network in clear.",
  }),
  dataDir: setting({
    env: "GATEHOUSE_DATA_DIR",
    kind: is.path,
    default: ".gatehouse",
    doc: "Directory of the embedded database, the local keys and the bootstrap token. One process at a time.",
  }),
  databaseUrl: sensitive({
    env: "GATEHOUSE_DATABASE_URL",
    kind: is.databaseUrl,
    doc: "A PostgreSQL (15 or newer) of your own, with the application's login. Unset: the embedded one in the data directory.",
  }),
  databaseOwnerUrl: sensitive({
    env: "GATEHOUSE_DATABASE_OWNER_URL",
    kind: is.databaseUrl,
    doc: "The same database with the login that owns the schema. Read by `gatehouse migrate` only.",
  }),
  databasePool: setting({
    env: "GATEHOUSE_DATABASE_POOL",
    kind: is.integer({ min: 1, max: 500 }),
    default: "10",
    doc: "Connections kept to the database.",
  }),
  keys: setting({
    env: "GATEHOUSE_KEYS",
    kind: is.oneOf("local"),
    default: "local",
    doc: "Where signing and wrapping keys live: `local` = a sealed file in the data directory.",
  }),
  masterKey: sensitive({
    env: "GATEHOUSE_MASTER_KEY",
    kind: is.masterKey,
    doc: "Seals the local keys. Unset: a key made at the first start and kept in the data directory, for loopback only.",
  }),
  registration: setting({
    env: "GATEHOUSE_REGISTRATION",
    kind: is.oneOf("off", "invite", "open"),
    default: "invite",
    doc: "Who may register: nobody, holders of an invitation, anyone. Whoever registers holds no grant.",
  }),
  audience: setting({
    env: "GATEHOUSE_AUDIENCE",
    kind: is.name,
    default: "gatehouse",
    doc: "The audience of tokens that Gatehouse's own methods accept.",
  }),
  jwtAudience: setting({
    env: "JWT_AUDIENCE",
    kind: is.name,
    default: { doc: "the value of `GATEHOUSE_AUDIENCE`", from: (text) => text("GATEHOUSE_AUDIENCE") },
    doc: "The default audience of the tokens that Login and Refresh answer with.",
  }),
  jwtIssuer: setting({
    env: "JWT_ISSUER",
    kind: is.issuer,
    default: "https://gatehouse.localhost",
    doc: "The `iss` of every token, compared as an exact string.",
  }),
  jwtAlgorithm: setting({
    env: "JWT_ALGORITHM",
    kind: is.oneOf("ES256", "EdDSA", "RS256", "PS256", "HS256"),
    default: "ES256",
    doc: "How tokens of the default audience are signed. `HS256` only for an audience other than Gatehouse's own.",
  }),
  jwtSecretKey: sensitive({
    env: "JWT_SECRET_KEY",
    kind: is.secretText,
    doc: "The shared secret of `HS256`, at least 32 bytes. Refused with any other algorithm.",
  }),
  accessTokenLifetimeMs: setting({
    env: "JWT_ACCESS_TOKEN_EXPIRE_MINUTES",
    kind: is.integer({ min: 1, max: 1_440, unit: minute }),
    default: "30",
    doc: "Life of an access token, in minutes.",
  }),
  refreshTokenLifetimeMs: setting({
    env: "JWT_REFRESH_TOKEN_EXPIRE_DAYS",
    kind: is.integer({ min: 1, max: 365, unit: day }),
    default: "7",
    doc: "Life of a refresh token that is not used, in days.",
  }),
  refreshGraceMs: setting({
    env: "GATEHOUSE_REFRESH_GRACE",
    kind: is.duration("0s", "300s"),
    default: "30s",
    doc: "How long the predecessor of a refresh token still answers, with the same successor, so that honest racers are not thrown out.",
  }),
  sessionIdleMs: setting({
    env: "GATEHOUSE_SESSION_IDLE",
    kind: is.duration("1m", "365d"),
    default: "7d",
    doc: "A session that is not refreshed for this long ends.",
  }),
  sessionAbsoluteMs: setting({
    env: "GATEHOUSE_SESSION_ABSOLUTE",
    kind: is.duration("1m", "3650d"),
    default: "90d",
    doc: "A session ends this long after its login, whatever happens.",
  }),
  passwordPolicy: setting({
    env: "GATEHOUSE_PASSWORD_POLICY",
    kind: is.oneOf("standard", "sp800-63b-4"),
    default: "standard",
    doc: "`sp800-63b-4` asks for 15 characters, as NIST does of a password without a second factor.",
  }),
  passwordMinLength: setting({
    env: "GATEHOUSE_PASSWORD_MIN_LENGTH",
    kind: is.integer({ min: 8, max: 64 }),
    default: {
      doc: "8, or 15 with `GATEHOUSE_PASSWORD_POLICY` = `sp800-63b-4`",
      from: (text) => (text("GATEHOUSE_PASSWORD_POLICY") === "sp800-63b-4" ? "15" : "8"),
    },
    doc: "Shortest password, in code points.",
  }),
  argon2MemoryKib: setting({
    env: "GATEHOUSE_ARGON2_MEMORY_KIB",
    kind: is.integer({ min: 8, max: 4_194_304 }),
    default: "65536",
    doc: "Argon2id memory of one hash, in KiB.",
  }),
  argon2Iterations: setting({
    env: "GATEHOUSE_ARGON2_ITERATIONS",
    kind: is.integer({ min: 1, max: 64 }),
    default: "3",
    doc: "Argon2id passes. With the memory, never below 19456 KiB and 2 passes, or 47104 KiB and 1.",
  }),
  argon2Parallelism: setting({
    env: "GATEHOUSE_ARGON2_PARALLELISM",
    kind: is.integer({ min: 1, max: 64 }),
    default: "2",
    doc: "Argon2id lanes inside one hash.",
  }),
  loginLanes: setting({
    env: "GATEHOUSE_LOGIN_LANES",
    kind: is.integer({ min: 0, max: 64 }),
    default: "0",
    doc: "Passwords hashed at the same time. 0 = half of the cores, at least one.",
  }),
  loginQueue: setting({
    env: "GATEHOUSE_LOGIN_QUEUE",
    kind: is.integer({ min: 0, max: 10_000 }),
    default: "64",
    doc: "Logins that may wait for a lane; the next one is told when to come back.",
  }),
  limitLogin: setting({
    env: "GATEHOUSE_LIMIT_LOGIN",
    kind: is.rate,
    default: "10/60s",
    doc: "Guessable credentials (Login, Register, Bootstrap), for each account; each address has ten times that.",
  }),
  limitTokenCheck: setting({
    env: "GATEHOUSE_LIMIT_TOKEN_CHECK",
    kind: is.rate,
    default: "50000/1s",
    doc: "Checks of tokens, for each caller. Meant for a client that runs away, not for one that is busy.",
  }),
  limitRead: setting({
    env: "GATEHOUSE_LIMIT_READ",
    kind: is.rate,
    default: "20000/1s",
    doc: "Reads, for each caller.",
  }),
  limitWrite: setting({
    env: "GATEHOUSE_LIMIT_WRITE",
    kind: is.rate,
    default: "5000/1s",
    doc: "Writes, for each caller.",
  }),
  deadlineDefaultMs: setting({
    env: "GATEHOUSE_DEADLINE_DEFAULT",
    kind: is.duration("100ms", "10m"),
    default: "10s",
    doc: "Time for a call whose caller sets no deadline.",
  }),
  deadlineMaxMs: setting({
    env: "GATEHOUSE_DEADLINE_MAX",
    kind: is.duration("100ms", "10m"),
    default: "60s",
    doc: "Longest deadline that a caller gets.",
  }),
  drainGraceMs: setting({
    env: "GATEHOUSE_DRAIN_GRACE",
    kind: is.duration("0s", "10m"),
    default: "10s",
    doc: "Time for calls in flight after SIGTERM.",
  }),
  maxSecretBytes: setting({
    env: "GATEHOUSE_MAX_SECRET_BYTES",
    kind: is.bytes("1B", "1MiB"),
    default: "1MiB",
    doc: "Largest value of a secret.",
  }),
  logLevel: setting({
    env: "GATEHOUSE_LOG_LEVEL",
    kind: is.oneOf("debug", "info", "warn", "error"),
    default: "info",
    doc: "Log lines (JSON on stderr) of this level and above.",
  }),
} as const;

export type SettingKey = keyof typeof settings;

type ValueOf<S> = S extends Setting<infer T, infer Optional> ? (Optional extends true ? T | undefined : T) : never;

export type Config = { readonly [K in SettingKey]: ValueOf<(typeof settings)[K]> };
