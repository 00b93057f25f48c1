// How signing keys turn over, as an operator may and may not set it.
import { describe, expect, it } from "vitest";
import { loadConfig, readSettings } from "../../../src/config/load.ts";
import { jwksMaxAgeSeconds } from "../../../src/rpc/web/pages.ts";
import { signingKeyTimes } from "../../../src/settings.ts";

const readFile = () => "";
const timesOf = (env: Record<string, string>) => signingKeyTimes(loadConfig({ env, readFile }).config);
const problemsOf = (env: Record<string, string>) => {
  const reading = readSettings({ env, readFile });
  return "problems" in reading ? reading.problems : [];
};

describe("settings of signing keys", () => {
  it("KEY-07 turn keys over every 90 days, an hour after they are published, and keep them for the life of a token", () => {
    expect(timesOf({})).toEqual({ rotationMs: 90 * 86_400_000, leadMs: 3_600_000, tokenLifeMs: 31 * 60_000 });
    expect(timesOf({ JWT_ACCESS_TOKEN_EXPIRE_MINUTES: "60" }).tokenLifeMs).toBe(61 * 60_000);
    expect(timesOf({ GATEHOUSE_SIGNING_KEY_ROTATION: "off" }).rotationMs).toBe("off");
  });

  it("JWT-20 let no key sign before every copy of the JWKS that may be kept has it", () => {
    expect(problemsOf({ GATEHOUSE_SIGNING_KEY_LEAD: "9m" })).toHaveLength(1);
    const { leadMs } = timesOf({ GATEHOUSE_SIGNING_KEY_LEAD: "10m" });
    expect(leadMs).toBeGreaterThanOrEqual(2 * jwksMaxAgeSeconds * 1_000);
  });

  it("are refused when a key would be replaced before it signs", () => {
    expect(problemsOf({ GATEHOUSE_SIGNING_KEY_ROTATION: "1h", GATEHOUSE_SIGNING_KEY_LEAD: "31m" })).toEqual([
      expect.stringContaining("shorter than twice GATEHOUSE_SIGNING_KEY_LEAD"),
    ]);
    expect(problemsOf({ GATEHOUSE_SIGNING_KEY_ROTATION: "1h", GATEHOUSE_SIGNING_KEY_LEAD: "30m" })).toEqual([]);
    expect(problemsOf({ GATEHOUSE_SIGNING_KEY_ROTATION: "59m", GATEHOUSE_SIGNING_KEY_LEAD: "10m" })).toHaveLength(1);
  });
});
