// How often, how long, how much.
import * as is from "../kinds.ts";
import { optional, sensitive, setting } from "../setting.ts";

export const limits = {
  limitLogin: setting({
    env: "GATEHOUSE_LIMIT_LOGIN",
    kind: is.rate,
    default: "10/60s",
    doc: "Guessable credentials (Login, Register, Bootstrap, ChangePassword), for each account; each address has ten times that. Counted by all replicas together.",
    reloadable: true,
  }),
  limitTokenCheck: setting({
    env: "GATEHOUSE_LIMIT_TOKEN_CHECK",
    kind: is.rate,
    default: "50000/1s",
    doc: "Checks of tokens, for each caller. Meant for a client that runs away, not for one that is busy.",
    reloadable: true,
  }),
  limitRead: setting({
    env: "GATEHOUSE_LIMIT_READ",
    kind: is.rate,
    default: "20000/1s",
    doc: "Reads, for each caller.",
    reloadable: true,
  }),
  limitWrite: setting({
    env: "GATEHOUSE_LIMIT_WRITE",
    kind: is.rate,
    default: "5000/1s",
    doc: "Writes, for each caller.",
    reloadable: true,
  }),
  limitOverrides: optional({
    env: "GATEHOUSE_LIMIT_OVERRIDES",
    kind: is.limitOverrides,
    doc: "Methods with a budget of their own, in place of their class's.",
    reloadable: true,
  }),
  limitShadow: setting({
    env: "GATEHOUSE_LIMIT_SHADOW",
    kind: is.limitClasses,
    default: "none",
    doc: "Classes of calls whose limits are tried out: counted, logged and told to the caller, and nobody is refused.",
    reloadable: true,
  }),
  limitShared: setting({
    env: "GATEHOUSE_LIMIT_SHARED",
    kind: is.limitClasses,
    default: "none",
    doc: "Classes of calls that all replicas count together, beside `login`, for a round trip to the store each call. While the store does not answer, each replica counts for itself.",
    reloadable: true,
  }),
  limitExempt: setting({
    env: "GATEHOUSE_LIMIT_EXEMPT",
    kind: is.networks,
    default: "none",
    doc: "Networks whose addresses have no limit of their own, such as that of a gateway that limits by itself. Accounts and principals keep theirs.",
    reloadable: true,
  }),
  redisUrl: sensitive({
    env: "GATEHOUSE_REDIS_URL",
    kind: is.redisUrl,
    doc: "A Redis or Valkey that counts what replicas count together, in place of Postgres. Give it `maxmemory-policy noeviction`.",
  }),
  redisCa: optional({
    env: "GATEHOUSE_REDIS_CA",
    kind: is.path,
    doc: "PEM file of the authorities that the certificate of Redis must come from. Unset: the public ones.",
  }),
  maxRunningCalls: setting({
    env: "GATEHOUSE_MAX_RUNNING_CALLS",
    kind: is.integer({ min: 10, max: 1_000_000 }),
    default: "5000",
    doc: "Calls under way in the process. From half of them on long lists are turned away, from four fifths on all but checks of tokens.",
    reloadable: true,
  }),
  maxRunningCallsPerCaller: setting({
    env: "GATEHOUSE_MAX_RUNNING_CALLS_PER_CALLER",
    kind: is.integer({ min: 1, max: 100_000 }),
    default: "500",
    doc: "Calls of one principal under way; an address of callers without a credential has ten times that.",
    reloadable: true,
  }),
  maxStreamsPerCaller: setting({
    env: "GATEHOUSE_MAX_STREAMS_PER_CALLER",
    kind: is.integer({ min: 1, max: 100_000 }),
    default: "100",
    doc: "Open streams of one principal; an address of callers without a credential has ten times that.",
    reloadable: true,
  }),
  overloadLagMs: setting({
    env: "GATEHOUSE_OVERLOAD_LAG",
    kind: is.duration("10ms", "60s"),
    default: "250ms",
    doc: "Lateness of the event loop from which on long lists are turned away; twice that for most calls, eight times for checks of tokens.",
    reloadable: true,
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
} as const;
