// Three projects: `unit` needs nothing, so that it starts no database; `whole` shares one Postgres for the run, with keys at home;
// `vault` is those of them that stand on keys over again, with their keys in a real Vault (docs/decisions/0050-suite-on-both-homes.md).
import { defineConfig } from "vitest/config";

// For what hangs: beside other processes the slowest test without a limit of its own took 19 s.
const testTimeout = 60_000;
const hookTimeout = 60_000;

const withDatabase = {
  globalSetup: ["test/fixtures/global-setup.ts"],
  testTimeout,
  hookTimeout,
};

const whole = [
  "test/contract/**/*.test.ts",
  "test/integration/**/*.test.ts",
  "test/conformance/**/*.test.ts",
  "test/abuse/**/*.test.ts",
];

// test/architecture/key-homes.test.ts holds these two lists against what imports test/fixtures/key-home.ts.
const standingOnKeys = [
  "test/contract/keys/store.test.ts",
  "test/integration/{audit,auth,keys,observability,secrets,server,token}/**/*.test.ts",
  "test/conformance/oauth-clients.test.ts",
];
const namingTheirHome = [
  "test/integration/keys/{move-steps,moving,rotate-wrapping,vault-*}.test.ts",
  "test/integration/server/leaking-settings.test.ts",
];

export default defineConfig({
  test: {
    pool: "forks",
    maxWorkers: 2,
    passWithNoTests: false,
    allowOnly: false,
    projects: [
      {
        test: {
          name: "unit",
          include: [
            "test/unit/**/*.test.ts",
            "test/policy/**/*.test.ts",
            "test/architecture/**/*.test.ts",
            "clients/*/test/**/*.test.ts",
          ],
          testTimeout,
          hookTimeout,
        },
      },
      {
        test: {
          ...withDatabase,
          name: "whole",
          provide: { keyHome: "local" },
          include: whole,
        },
      },
      {
        test: {
          ...withDatabase,
          name: "vault",
          provide: { keyHome: "vault" },
          include: standingOnKeys,
          exclude: namingTheirHome,
        },
      },
    ],
  },
});
