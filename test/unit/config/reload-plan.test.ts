// What a second reading of the settings changes, what waits for a restart, and what is refused whole.
import { describe, expect, it } from "vitest";
import { readSettings } from "../../../src/config/load.ts";
import { planReload } from "../../../src/config/reload-plan.ts";
import type { Config } from "../../../src/config/schema.ts";

const reading = (env: Record<string, string>, file = "") => readSettings({ env, readFile: () => file });

function running(env: Record<string, string> = {}, file = ""): Config {
  const read = reading(env, file);
  if ("problems" in read) throw new Error(read.problems.join());
  return read.config;
}

describe("a second reading of the settings", () => {
  it("that says the same changes nothing, secrets included", () => {
    const env = { GATEHOUSE_DATABASE_URL_FILE: "/run/url" };
    const url = "postgres://u:p@h/d";
    expect(planReload(running(env, url), reading(env, url))).toMatchObject({ changed: [], waiting: [] });
  });

  it("is taken for what may change while running, and for nothing else", () => {
    const plan = planReload(running(), reading({ GATEHOUSE_LOG_LEVEL: "debug", GATEHOUSE_DATABASE_POOL: "77" }));
    expect(plan).toMatchObject({
      changed: ["GATEHOUSE_LOG_LEVEL"],
      waiting: ["GATEHOUSE_DATABASE_POOL"],
      config: { logLevel: "debug", databasePool: 10 },
    });
  });

  it("names a changed secret and never its value", () => {
    const env = { GATEHOUSE_DATABASE_URL_FILE: "/run/url" };
    const plan = planReload(running(env, "postgres://u:old@h/d"), reading(env, "postgres://u:canary@h/d"));
    expect(plan).toMatchObject({ changed: [], waiting: ["GATEHOUSE_DATABASE_URL"] });
    expect(JSON.stringify(plan)).not.toContain("canary");
  });

  it("with a problem changes nothing", () => {
    expect(planReload(running(), reading({ GATEHOUSE_LOG_LEVEL: "loud" }))).toEqual({
      problems: ["GATEHOUSE_LOG_LEVEL is not right: expected `debug`, `info`, `warn`, `error`"],
    });
  });
});
