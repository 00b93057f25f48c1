// Two projects, so that a unit test starts no database: `unit` needs nothing, `whole` shares one Postgres for the run.
import { existsSync } from "node:fs";
import { defineConfig } from "vitest/config";

const globalSetup = "test/fixtures/global-setup.ts";

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
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: "whole",
          include: [
            "test/contract/**/*.test.ts",
            "test/integration/**/*.test.ts",
            "test/conformance/**/*.test.ts",
            "test/abuse/**/*.test.ts",
          ],
          globalSetup: existsSync(globalSetup) ? [globalSetup] : [],
          testTimeout: 30_000,
          hookTimeout: 60_000,
        },
      },
    ],
  },
});
