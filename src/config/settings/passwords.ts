// Passwords and how they are hashed.
import * as is from "../kinds.ts";
import { setting } from "../setting.ts";

export const passwords = {
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
  loginNiceness: setting({
    env: "GATEHOUSE_LOGIN_NICENESS",
    kind: is.integer({ min: 0, max: 19 }),
    default: "19",
    doc: "How far the threads that hash and judge passwords stand back for everything else, on Linux: 19 as far as they can, so that a flood of logins slows no other call, 0 not at all. Lower it where other programs of the same container or session keep the processors busy and logins take seconds.",
  }),
} as const;
