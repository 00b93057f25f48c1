// Settings: what is read, what is refused, and that every problem is named at once without repeating a value.
import { resolve } from "node:path";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Environment, loadConfig, readSettings } from "../../../src/config/load.ts";
import type { Config } from "../../../src/config/schema.ts";
import { StartRefused } from "../../../src/kernel/start-refused.ts";

const goodKey = "b6f1Zr0Qw3yK7mT9xN2cV5hJ8pL4sD1aG6eU0iO3fRk";
const goodSecret = "Jq7!vZ2#mXw9@Lk4$Tn8%Rb5^Yc1&Hd6*Pf3";

function noFile(): string {
  throw new Error("no such file");
}

function problemsOf(env: Environment, readFile: (path: string) => string = noFile): readonly string[] {
  const reading = readSettings({ env, readFile });
  return "problems" in reading ? reading.problems : [];
}

function configOf(env: Environment, readFile: (path: string) => string = noFile): Config {
  return loadConfig({ env, readFile }).config;
}

describe("settings in force", () => {
  it("J-01 T-05 are the documented defaults when nothing is given", () => {
    expect(configOf({})).toMatchObject({
      grpcListen: { kind: "tcp", host: "127.0.0.1", port: 50051, loopback: true },
      dataDir: resolve(".gatehouse"),
      databaseUrl: undefined,
      registration: "invite",
      audience: "gatehouse",
      jwtAudience: "gatehouse",
      jwtAlgorithm: "ES256",
      accessTokenLifetimeMs: 30 * 60_000,
      refreshTokenLifetimeMs: 7 * 86_400_000,
      argon2MemoryKib: 65_536,
      argon2Iterations: 3,
      argon2Parallelism: 2,
      limitLogin: { count: 10, perMs: 60_000 },
      passwordMinLength: 8,
      maxSecretBytes: 1_048_576,
    });
  });

  it("F-04 honour the JWT_ names", () => {
    const config = configOf({
      JWT_SECRET_KEY: goodSecret,
      JWT_ALGORITHM: "HS256",
      JWT_ACCESS_TOKEN_EXPIRE_MINUTES: "5",
      JWT_REFRESH_TOKEN_EXPIRE_DAYS: "1",
      JWT_AUDIENCE: "shop",
      JWT_ISSUER: "https://id.example",
    });
    expect(config).toMatchObject({ jwtAlgorithm: "HS256", jwtAudience: "shop", jwtIssuer: "https://id.example" });
    expect(config).toMatchObject({ accessTokenLifetimeMs: 300_000, refreshTokenLifetimeMs: 86_400_000 });
    expect(config.jwtSecretKey?.expose()).toBe(goodSecret);
  });

  it("follow another setting where the default says so", () => {
    expect(configOf({ GATEHOUSE_AUDIENCE: "house" }).jwtAudience).toBe("house");
    expect(configOf({ GATEHOUSE_PASSWORD_POLICY: "sp800-63b-4" }).passwordMinLength).toBe(15);
  });

  it("cannot be changed afterwards", () => {
    expect(Object.isFrozen(configOf({}))).toBe(true);
  });

  it("leave names of others alone", () => {
    expect(problemsOf({ PATH: "/bin", JWT_SOMETHING: "x", NOT_GATEHOUSE_X: "1" })).toEqual([]);
  });
});

describe("a sensitive setting", () => {
  it("may come from a file", () => {
    const loaded = loadConfig({ env: { GATEHOUSE_MASTER_KEY_FILE: "/run/key" }, readFile: () => goodKey });
    expect(loaded.config.masterKey?.expose()).toBe(goodKey);
    expect(loaded.inForce.masterKey).toEqual({ shown: "[set]", source: "file /run/key" });
  });

  it("is refused when file and value are both given, or when the file is missing or empty", () => {
    expect(problemsOf({ GATEHOUSE_MASTER_KEY_FILE: "/run/key", GATEHOUSE_MASTER_KEY: goodKey })).toHaveLength(1);
    expect(problemsOf({ GATEHOUSE_MASTER_KEY_FILE: "/run/key" })).toEqual([
      "GATEHOUSE_MASTER_KEY_FILE points to a file that cannot be read",
    ]);
    expect(problemsOf({ GATEHOUSE_MASTER_KEY_FILE: "/run/key" }, () => "")).toHaveLength(1);
    expect(problemsOf({ GATEHOUSE_MASTER_KEY_FILE: "" })).toHaveLength(1);
  });

  it("alone has a file form", () => {
    expect(problemsOf({ GATEHOUSE_GRPC_LISTEN_FILE: "/x" })).toHaveLength(1);
  });

  it("SEC-05 T-09 appears in no problem and in nothing that is printed", () => {
    const canary = "canary-6f1c-not-to-be-printed";
    const env = {
      GATEHOUSE_DATABASE_URL: `mysql://u:${canary}@h/d`,
      GATEHOUSE_MASTER_KEY: canary,
      JWT_SECRET_KEY: canary,
      GATEHOUSE_LOG_LEVEL: canary,
      GATEHOUSE_GRPC_LISTEN: canary,
      GATEHOUSE_LIMIT_READ: canary,
      JWT_ISSUER: `https://u:${canary}@h`,
    };
    const problems = problemsOf(env);
    expect(problems.length).toBeGreaterThanOrEqual(7);
    expect(problems.join("\n")).not.toContain(canary);
    const loaded = loadConfig({ env: { GATEHOUSE_DATABASE_URL: `postgres://u:${canary}@h/d` }, readFile: noFile });
    expect(JSON.stringify(loaded)).not.toContain(canary);
  });
});

describe("problems", () => {
  it("are all named at once", () => {
    const env = {
      GATEHOUSE_KEYS: "hsm",
      GATEHOUSE_DRAIN_GRACE: "soon",
      GATEHOUSE_PORT: "1",
      GATEHOUSE_DEADLINE_DEFAULT: "2m",
    };
    expect(problemsOf(env)).toHaveLength(4);
    expect(() => configOf(env)).toThrow(StartRefused);
    expect(() => configOf(env)).toThrow(/4 settings are not right\n {2}- /);
  });

  it("are one sentence when there is one", () => {
    expect(() => configOf({ GATEHOUSE_KEYS: "hsm" })).toThrow("GATEHOUSE_KEYS is not right: expected `local`");
  });

  it.each([
    ["GATEHOUSE_GRPC_LISTN", "GATEHOUSE_GRPC_LISTEN"],
    ["gatehouse_grpc_listen", "GATEHOUSE_GRPC_LISTEN"],
    ["GATEHOUSE_MASTERKEY", "GATEHOUSE_MASTER_KEY"],
    ["GATEHOUSE_MASTER_KEY_FIL", "GATEHOUSE_MASTER_KEY_FILE"],
  ])("tell what %s may have meant", (wrong, right) => {
    expect(problemsOf({ [wrong]: "x" })).toEqual([`${wrong} is no setting; did you mean ${right}?`]);
  });

  it("guess nothing far-fetched and print no control characters of a name", () => {
    expect(problemsOf({ "GATEHOUSE_\u001b[31mTELEMETRY_ENDPOINT": "x" })).toEqual([
      "GATEHOUSE___31mTELEMETRY_ENDPOINT is no setting".replace("___", "_??"),
    ]);
  });

  it("count an empty value, which a template leaves behind, as one", () => {
    expect(problemsOf({ GATEHOUSE_AUDIENCE: "", GATEHOUSE_MASTER_KEY: "" })).toHaveLength(2);
  });

  it("do not bring others that only follow from them", () => {
    expect(problemsOf({ JWT_ALGORITHM: "HS256", JWT_AUDIENCE: "shop", JWT_SECRET_KEY: "" })).toEqual([
      "JWT_SECRET_KEY is empty: give it a value or unset it",
    ]);
    expect(problemsOf({ GATEHOUSE_AUDIENCE: "two words" })).toHaveLength(1);
  });
});

describe("contradictions", () => {
  const hs256 = { JWT_ALGORITHM: "HS256", JWT_AUDIENCE: "shop", JWT_SECRET_KEY: goodSecret };
  const open = {
    GATEHOUSE_GRPC_LISTEN: "0.0.0.0:50051",
    GATEHOUSE_INSECURE_PLAINTEXT: "true",
    GATEHOUSE_MASTER_KEY: goodKey,
  };
  const webOpen = { GATEHOUSE_GRPC_LISTEN: "127.0.0.1:0", GATEHOUSE_WEB_LISTEN: "0.0.0.0:8080" };

  it.each<[string, Environment]>([
    ["NET-02 plaintext beyond loopback", { ...open, GATEHOUSE_INSECURE_PLAINTEXT: "false" }],
    [
      "NET-02 plaintext of the web door beyond loopback",
      { ...open, ...webOpen, GATEHOUSE_INSECURE_PLAINTEXT: "false" },
    ],
    ["local keys while the web door is beyond loopback", { ...webOpen, GATEHOUSE_INSECURE_PLAINTEXT: "true" }],
    ["P-08 credentials for every page", { GATEHOUSE_CORS_ORIGINS: "*", GATEHOUSE_CORS_CREDENTIALS: "true" }],
    ["proxies that are everybody", { GATEHOUSE_TRUSTED_PROXIES: "any" }],
    ["local keys beyond loopback without a master key", { ...open, GATEHOUSE_MASTER_KEY: undefined }],
    ["an owner's URL without a database of one's own", { GATEHOUSE_DATABASE_OWNER_URL: "postgres://o@h/d" }],
    [
      "one login for owner and application",
      { GATEHOUSE_DATABASE_URL: "postgres://o@h/d", GATEHOUSE_DATABASE_OWNER_URL: "postgres://o@h/d" },
    ],
    ["HS256 for Gatehouse's own audience", { ...hs256, JWT_AUDIENCE: undefined }],
    ["HS256 without a secret", { ...hs256, JWT_SECRET_KEY: undefined }],
    ["a secret without HS256", { JWT_SECRET_KEY: goodSecret }],
    ["JWT-07 a secret of less than 32 bytes", { ...hs256, JWT_SECRET_KEY: goodSecret.slice(0, 31) }],
    [
      "an access token that outlives its refresh token",
      { JWT_ACCESS_TOKEN_EXPIRE_MINUTES: "1440", JWT_REFRESH_TOKEN_EXPIRE_DAYS: "1" },
    ],
    ["a session idle longer than it may live", { GATEHOUSE_SESSION_IDLE: "91d" }],
    ["a session that ends before its first refresh", { GATEHOUSE_SESSION_IDLE: "29m" }],
    ["a refresh token that outlives its session", { JWT_REFRESH_TOKEN_EXPIRE_DAYS: "91" }],
    ["a default deadline above the longest", { GATEHOUSE_DEADLINE_DEFAULT: "61s" }],
    [
      "a short password under the NIST policy",
      { GATEHOUSE_PASSWORD_POLICY: "sp800-63b-4", GATEHOUSE_PASSWORD_MIN_LENGTH: "14" },
    ],
  ])("refuse %s", (_title, env) => {
    expect(problemsOf(env).length).toBeGreaterThan(0);
  });

  it("refuse a master key file inside the data directory beyond loopback", () => {
    const env = {
      ...open,
      GATEHOUSE_MASTER_KEY: undefined,
      GATEHOUSE_MASTER_KEY_FILE: "/data/keys/../master",
      GATEHOUSE_DATA_DIR: "/data",
    };
    expect(problemsOf(env, () => goodKey)).toHaveLength(1);
    expect(problemsOf({ ...env, GATEHOUSE_MASTER_KEY_FILE: "/run/master" }, () => goodKey)).toEqual([]);
  });

  it.each<[number, number, boolean]>([
    [19_456, 2, true],
    [19_455, 2, false],
    [19_456, 1, false],
    [47_104, 1, true],
    [47_103, 1, false],
    [12_288, 3, false],
  ])("PWD-15 argon2 with %i KiB and %i passes: %s", (memory, passes, accepted) => {
    const env = {
      GATEHOUSE_ARGON2_MEMORY_KIB: `${memory}`,
      GATEHOUSE_ARGON2_ITERATIONS: `${passes}`,
      GATEHOUSE_ARGON2_PARALLELISM: "1",
    };
    expect(problemsOf(env).length === 0).toBe(accepted);
  });

  it.each([
    "supersecret-supersecret-supersecret",
    "changeme-changeme-changeme-changeme",
    "a-string-secret-at-least-256-bits-long",
    "your-256-bit-secret-your-256-bit-secret",
    "09d25e094faa6ca2556c818166b7a9563b93f7099f6f0f4caa6cf63b88e8d3e7",
    "abababababababababababababababababab",
  ])("F-04 refuse the published secret %s", (secret) => {
    expect(problemsOf({ ...hs256, JWT_SECRET_KEY: secret })).toHaveLength(1);
  });

  it("F-04 refuse `supersecret` itself", () => {
    expect(problemsOf({ ...hs256, JWT_SECRET_KEY: "supersecret" }).join()).toContain("known example");
  });

  it("accept what is right together", () => {
    expect(problemsOf(hs256)).toEqual([]);
    expect(problemsOf(open)).toEqual([]);
    expect(problemsOf({ GATEHOUSE_GRPC_LISTEN: "unix:/run/gatehouse.sock" })).toEqual([]);
    expect(problemsOf({ GATEHOUSE_CORS_ORIGINS: "*", GATEHOUSE_WEB_LISTEN: "off" })).toEqual([]);
    expect(problemsOf({ ...open, GATEHOUSE_WEB_LISTEN: "0.0.0.0:8080" })).toEqual([]);
  });
});

describe("whatever the environment holds", () => {
  it("the answer is a config or sentences, never a crash", () => {
    const names = fc.constantFrom(
      "GATEHOUSE_GRPC_LISTEN",
      "GATEHOUSE_DATABASE_URL",
      "JWT_ISSUER",
      "GATEHOUSE_LIMIT_LOGIN",
      "GATEHOUSE_MASTER_KEY",
      "GATEHOUSE_SESSION_IDLE",
      "JWT_SECRET_KEY",
    );
    fc.assert(
      fc.property(fc.dictionary(names, fc.string()), (env) => {
        const reading = readSettings({ env, readFile: noFile });
        expect("config" in reading || reading.problems.length > 0).toBe(true);
      }),
    );
  });
});
