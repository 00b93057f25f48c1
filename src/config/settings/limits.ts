// How often, how long, how much.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";

export const limits = {
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
} as const;
