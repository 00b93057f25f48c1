// The settings file: read beside the environment, refused when it is not plainly right, and quoted by name alone.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { loadConfig, readSettings } from "../../../src/config/load.ts";

const place = { GATEHOUSE_SETTINGS_FILE: "/etc/gatehouse/settings" };

function reading(text: string, env: Record<string, string> = {}) {
  return readSettings({ env: { ...place, ...env }, readFile: () => text });
}

function problemsOf(text: string, env: Record<string, string> = {}): readonly string[] {
  const read = reading(text, env);
  return "problems" in read ? read.problems : [];
}

describe("the settings file", () => {
  it("gives settings as the environment does, with comments, blank lines and either line break", () => {
    const text = "# limits\r\n\r\nGATEHOUSE_LIMIT_READ = 7/1s\r\n  GATEHOUSE_LOG_LEVEL=debug\n";
    const { config, inForce } = loadConfig({ env: place, readFile: () => text });
    expect(config).toMatchObject({ limitRead: { count: 7, perMs: 1_000 }, logLevel: "debug" });
    expect(inForce.logLevel).toEqual({ shown: "debug", source: "settings file" });
    expect(inForce.settingsFile).toMatchObject({ shown: "/etc/gatehouse/settings", source: "environment" });
  });

  it("may name the file of a sensitive setting", () => {
    const readFile = (path: string) =>
      path === "/run/key" ? "postgres://u:p@h/d" : "GATEHOUSE_DATABASE_URL_FILE=/run/key";
    expect(loadConfig({ env: place, readFile }).config.databaseUrl?.expose()).toBe("postgres://u:p@h/d");
  });

  it.each([
    ["what is no NAME=VALUE", "canary", "line 1 of GATEHOUSE_SETTINGS_FILE is no NAME=VALUE"],
    ["a line of shell", "export GATEHOUSE_KEYS=canary", "line 1 of GATEHOUSE_SETTINGS_FILE is no NAME=VALUE"],
    ["a name that is no setting", "# x\nHOME=canary", "line 2 of GATEHOUSE_SETTINGS_FILE names no setting"],
    ["another settings file", "GATEHOUSE_SETTINGS_FILE=canary", "line 1 of GATEHOUSE_SETTINGS_FILE names no setting"],
    ["a prototype's name", "__PROTO__=canary", "line 1 of GATEHOUSE_SETTINGS_FILE is no NAME=VALUE"],
    [
      "a secret",
      "GATEHOUSE_DATABASE_URL=canary",
      "GATEHOUSE_DATABASE_URL is sensitive: name a file of its own with GATEHOUSE_DATABASE_URL_FILE",
    ],
    [
      "a name twice",
      "GATEHOUSE_DRAIN_GRACE=1s\nGATEHOUSE_DRAIN_GRACE=2s",
      "GATEHOUSE_DRAIN_GRACE stands twice in GATEHOUSE_SETTINGS_FILE",
    ],
    ["an empty value", "GATEHOUSE_DRAIN_GRACE=", "GATEHOUSE_DRAIN_GRACE is empty: give it a value or unset it"],
  ])("refuses %s without repeating it", (_what, text, problem) => {
    expect(problemsOf(text)).toEqual([problem]);
  });

  it("refuses a name that the environment gives as well, and a file that is not there", () => {
    expect(problemsOf("GATEHOUSE_LOG_LEVEL=warn", { GATEHOUSE_LOG_LEVEL: "info" })).toEqual([
      "GATEHOUSE_LOG_LEVEL is set in the environment and in GATEHOUSE_SETTINGS_FILE",
    ]);
    const readFile = (): string => {
      throw new Error("no such file");
    };
    expect(readSettings({ env: place, readFile })).toEqual({
      problems: ["GATEHOUSE_SETTINGS_FILE points to a file that cannot be read"],
    });
  });

  it("P-03 whatever it holds, ends in settings or in problems that do not quote it", () => {
    const line = fc.oneof(
      fc.string(),
      fc.string().map((text) => `GATEHOUSE_LOG_LEVEL=${text}`),
    );
    fc.assert(
      fc.property(fc.array(line, { maxLength: 5 }), (lines) => {
        const marked = lines.map((text) => `${text}canary`);
        expect(problemsOf(marked.join("\n")).join("\n")).not.toContain("canary");
      }),
    );
  });
});
