// What `gatehouse config` prints.
import { describe, expect, it } from "vitest";
import { describeConfig, renderConfig } from "../../../src/config/describe.ts";
import { loadConfig } from "../../../src/config/load.ts";
import { settings } from "../../../src/config/schema.ts";

const secret = "Jq7!vZ2#mXw9@Lk4$Tn8%Rb5^Yc1&Hd6*Pf3";

function printed(env: Record<string, string>): string {
  return renderConfig(describeConfig(loadConfig({ env, readFile: () => secret })));
}

describe("gatehouse config", () => {
  it("prints every setting once, with its source", () => {
    const lines = printed({ GATEHOUSE_DRAIN_GRACE: "90s" }).split("\n");
    expect(lines.map((line) => line.split(/\s/)[0])).toEqual(Object.values(settings).map((setting) => setting.env));
    expect(lines.find((line) => line.startsWith("GATEHOUSE_DRAIN_GRACE"))).toMatch(/90s +environment$/);
    expect(lines.find((line) => line.startsWith("GATEHOUSE_KEYS"))).toMatch(/local +default$/);
    expect(lines.find((line) => line.startsWith("GATEHOUSE_DATABASE_URL"))).toMatch(/ unset$/);
  });

  it("SEC-05 masks every sensitive value, from the environment or a file", () => {
    const hs256 = { JWT_ALGORITHM: "HS256", JWT_AUDIENCE: "shop" };
    for (const env of [
      { ...hs256, JWT_SECRET_KEY: secret },
      { ...hs256, JWT_SECRET_KEY_FILE: "/run/jwt" },
    ]) {
      expect(printed(env)).not.toContain(secret);
      expect(printed(env)).toMatch(/JWT_SECRET_KEY +\[set\]/);
    }
  });
});
