// The settings of limits: what they take and, above all, what they do not.
import { describe, expect, it } from "vitest";
import * as is from "../../../src/config/kinds.ts";
import { readSettings } from "../../../src/config/load.ts";

function read<T>(kind: is.Kind<T>, text: string): T | undefined {
  const parsed = kind.parse(text);
  return parsed.ok ? parsed.value : undefined;
}

const problemsOf = (env: Record<string, string>) => {
  const reading = readSettings({ env, readFile: () => "" });
  return "problems" in reading ? reading.problems : [];
};

describe("classes of calls", () => {
  it("are named as refusals name them", () => {
    expect(read(is.limitClasses, "none")).toEqual(new Set());
    expect(read(is.limitClasses, "login, tokenCheck")).toEqual(new Set(["login", "tokenCheck"]));
    for (const text of ["unlimited", "login,", "Login", "login;read", "all", "none,login"])
      expect(read(is.limitClasses, text)).toBeUndefined();
  });
});

describe("budgets of single methods", () => {
  it("are method and rate", () => {
    expect(read(is.limitOverrides, "TokenService/Refresh=10/60s, gatehouse.auth.v1.AuthService/Login=off")).toEqual(
      new Map<string, is.Rate | "off">([
        ["TokenService/Refresh", { count: 10, perMs: 60_000 }],
        ["gatehouse.auth.v1.AuthService/Login", "off"],
      ]),
    );
  });

  it.each([
    "",
    "Refresh=10/60s",
    "TokenService/Refresh",
    "TokenService/Refresh=",
    "TokenService/Refresh=0/60s",
    "TokenService/Refresh=10",
    "TokenService/Refresh=10/60s,",
    "A/B=1/1s,A/B=2/1s",
    "A/B/C=1/1s",
    "A/B =1/1s",
  ])("refuses %j", (text) => {
    expect(read(is.limitOverrides, text)).toBeUndefined();
  });
});

describe("the address of Redis", () => {
  it.each([
    "rediss://user:password@redis.example:6380/0",
    "redis://127.0.0.1:6379",
    "redis://:password@localhost",
    "rediss://[::1]:6379/15",
  ])("takes %s and hides it", (text) => {
    const url = read(is.redisUrl, text);
    expect(url?.expose()).toBe(text);
    expect(`${url}`).not.toContain("password");
  });

  it.each(["http://x", "redis:", "redis://", "redis:///0", "redis://host/zero", "redis://h?tls=no", "127.0.0.1:6379"])(
    "refuses %j",
    (text) => {
      expect(read(is.redisUrl, text)).toBeUndefined();
    },
  );

  it("T-04 in clear is for this machine, unless the operator says otherwise", () => {
    const plain = "GATEHOUSE_REDIS_URL reaches beyond loopback in plaintext";
    const far = { GATEHOUSE_REDIS_URL: "redis://redis.example:6379" };
    expect(problemsOf(far)).toEqual([expect.stringContaining(plain)]);
    expect(problemsOf({ ...far, GATEHOUSE_INSECURE_PLAINTEXT: "true" })).toEqual([]);
    for (const url of ["redis://localhost", "redis://127.0.0.1:6379", "redis://[::1]", "rediss://redis.example"])
      expect(problemsOf({ GATEHOUSE_REDIS_URL: url })).toEqual([]);
  });

  it("with authorities, but without TLS, is a slip", () => {
    const ca = { GATEHOUSE_REDIS_CA: "/etc/ca.pem" };
    expect(problemsOf(ca)).toHaveLength(1);
    expect(problemsOf({ ...ca, GATEHOUSE_REDIS_URL: "redis://localhost" })).toHaveLength(1);
    expect(problemsOf({ ...ca, GATEHOUSE_REDIS_URL: "rediss://redis.example" })).toEqual([]);
  });
});

describe("what SIGHUP changes of limits", () => {
  it("is all but where they are counted", async () => {
    const { limits } = await import("../../../src/config/settings/limits.ts");
    const settings = Object.entries<{ env: string; reloadable?: boolean }>(limits);
    const fixed = settings.filter(([, one]) => one.reloadable !== true).map(([, { env }]) => env);
    expect(fixed.filter((env) => /LIMIT|REDIS|MAX_RUNNING|MAX_STREAMS|OVERLOAD/.test(env))).toEqual([
      "GATEHOUSE_REDIS_URL",
      "GATEHOUSE_REDIS_CA",
    ]);
  });
});
