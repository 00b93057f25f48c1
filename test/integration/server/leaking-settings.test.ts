// Sensitive settings: in nothing that a start prints, whether it succeeds or fails, and not in the arguments of a process.
import { randomBytes } from "node:crypto";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { settings } from "../../../src/config/schema.ts";
import type { Setting } from "../../../src/config/setting.ts";
import { findIn, needlesOf } from "./canaries.ts";
import { runGatehouse } from "./gatehouse-process.ts";

const password = `pa55${randomBytes(12).toString("hex")}`;

/** By name. A sensitive setting that is not here fails the test. */
const values: Readonly<Record<string, string>> = {
  GATEHOUSE_DATABASE_URL: `postgres://app:${password}@127.0.0.1:1/gatehouse`,
  GATEHOUSE_DATABASE_OWNER_URL: `postgres://owner:${password}@127.0.0.1:1/gatehouse`,
  GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64"),
  GATEHOUSE_REDIS_URL: `redis://user:${password}@127.0.0.1:1`,
  JWT_SECRET_KEY: `${password}${randomBytes(24).toString("base64url")}`,
  OTEL_EXPORTER_OTLP_HEADERS: `x-api-key=${password}`,
  VAULT_TOKEN: `hvs.${password}`,
};
const hs256 = { JWT_ALGORITHM: "HS256", JWT_AUDIENCE: "shop" };
const needles = needlesOf([
  { name: "password", value: password },
  ...Object.entries(values).map(([name, value]) => ({ name, value })),
]);
/** Settings that name a file, which may be the wrong one: a key, a password. */
const naming = Object.values(settings)
  .map(({ env }) => env)
  .filter((env) => /_(FILE|CA)$/.test(env));
const sensitive = Object.values(settings).filter((one: Setting<unknown>) => one.visibility === "sensitive");

describe("sensitive settings", () => {
  let directory: string;
  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), "gatehouse-settings-"));
  });
  afterAll(() => rm(directory, { recursive: true, force: true }));

  const run = async (env: Readonly<Record<string, string>>, words: readonly string[]) => {
    const ended = await runGatehouse({ GATEHOUSE_DATA_DIR: join(directory, "data"), ...hs256, ...env }, words);
    return { ...ended, said: ended.stdout + ended.stderr };
  };

  it("SEC-05 all have a value in this test", () => {
    expect(sensitive.map(({ env }) => env).sort()).toEqual(Object.keys(values).sort());
  });

  it.each(["serve", "migrate", "config", "policy"])("SEC-05 T-09 are not in what `%s` prints", async (command) => {
    const { said } = await run({ ...values, GATEHOUSE_LOG_LEVEL: "debug" }, [command]);
    expect(said.length).toBeGreaterThan(10);
    expect(findIn(Buffer.from(said), needles)).toEqual([]);
  });

  async function keyFile(): Promise<string> {
    const file = join(directory, "key.pem");
    const lines = ["-----BEGIN PRIVATE KEY-----", password, "-----END PRIVATE KEY-----", ""];
    await writeFile(file, lines.join("\n"), { mode: 0o600 });
    return file;
  }

  it.each(naming)("SEC-05 T-09 are not repeated when %s names a file that holds one", async (name) => {
    const { GATEHOUSE_DATABASE_URL = "", JWT_SECRET_KEY = "" } = values;
    const env = { GATEHOUSE_DATABASE_URL, JWT_SECRET_KEY, [name]: await keyFile(), GATEHOUSE_LOG_LEVEL: "debug" };
    const { said, code } = await run(env, ["serve"]);
    expect(code).toBe(1);
    expect(findIn(Buffer.from(said), needles)).toEqual([]);
  });

  it("SEC-05 T-09 are not repeated when every file of TLS is the wrong one", async () => {
    const file = await keyFile();
    const files = naming.filter((name) => /^GATEHOUSE_TLS_/.test(name)).map((name) => [name, file] as const);
    const { JWT_SECRET_KEY = "" } = values;
    const env = { JWT_SECRET_KEY, GATEHOUSE_TLS_CLIENT_AUTH: "required", ...Object.fromEntries(files) };
    const { said, code } = await run(env, ["serve"]);
    expect(code).toBe(1);
    expect(said).toMatch(/gatehouse: .*GATEHOUSE_TLS/);
    expect(findIn(Buffer.from(said), needles)).toEqual([]);
  });

  it.each(Object.keys(values))(
    "SEC-05 T-09 are not repeated when %s is wrong, in the environment or a file",
    async (name) => {
      const file = join(directory, "wrong");
      const wrong = `${values[name]}\u0001 ${password}`;
      await writeFile(file, wrong);
      const found = needlesOf([{ name: "wrong", value: password }]);
      const others = name === "JWT_SECRET_KEY" ? {} : { JWT_SECRET_KEY: values.JWT_SECRET_KEY ?? "" };
      const fromEnvironment = await run({ ...others, [name]: wrong }, ["config"]);
      const fromFile = await run({ ...others, [`${name}_FILE`]: file }, ["config"]);
      expect(findIn(Buffer.from(fromEnvironment.said + fromFile.said), found)).toEqual([]);
    },
  );
});
