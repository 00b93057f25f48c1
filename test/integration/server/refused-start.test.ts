// What an operator gets wrong: each start is refused with a sentence that says what to mend, exit code 1, nothing left
// running, and nothing secret or of our insides on the terminal.
import { randomBytes } from "node:crypto";
import { chmod, mkdir, readFile, rm, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startTestDatabase } from "../../fixtures/database.ts";
import { databaseUrl } from "./database-url.ts";
import { type Ended, type Environment, runGatehouse } from "./gatehouse-process.ts";
import { databaseProcesses, type Installation, makeInstallation } from "./installation.ts";

const canary = "hunter2-canary-7f3a";

/** What is meant for people: the log's lines are JSON. */
function sentences({ stderr }: Ended): string[] {
  return stderr.split("\n").filter((line) => line !== "" && !line.startsWith("{"));
}

function requireRefusal(ended: Ended, sentence: string | RegExp): void {
  const [first = "", ...more] = sentences(ended);
  expect(first).toMatch(/^gatehouse: \S/);
  expect(first).toMatch(sentence);
  expect(more).toEqual([]);
  requireClean(ended);
}

function requireClean(ended: Ended): void {
  const { code, signal, stdout, stderr } = ended;
  expect({ code, signal, stdout }).toEqual({ code: 1, signal: null, stdout: "" });
  expect(stderr).not.toMatch(/^\s+at |"stack"|\.ts:\d|node:internal|select |incident/im);
  expect(stderr).not.toContain(canary);
}

/** As somebody whom the rights of files bind; root, as in a container, is somebody else. */
const bound = process.geteuid?.() === 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : [];

describe("settings that are wrong", () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await makeInstallation();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  // The starts that come as far as the keys share one.
  const sealed = { GATEHOUSE_MASTER_KEY: randomBytes(32).toString("base64") };
  const plaintext = { GATEHOUSE_GRPC_LISTEN: "0.0.0.0:0", GATEHOUSE_INSECURE_PLAINTEXT: "true" };
  const hmacKey = randomBytes(48).toString("base64");

  const refusals: readonly (readonly [string, Environment, string])[] = [
    [
      "an unknown name, with the one that was meant",
      { GATEHOUSE_GRCP_LISTEN: canary },
      "GATEHOUSE_GRCP_LISTEN is no setting; did you mean GATEHOUSE_GRPC_LISTEN?",
    ],
    ["local keys beyond loopback", { ...plaintext, GATEHOUSE_KEYS: "local" }, "local keys need GATEHOUSE_MASTER_KEY"],
    [
      "HS256 for Gatehouse's own audience",
      { JWT_ALGORITHM: "HS256", JWT_SECRET_KEY: hmacKey },
      "JWT_ALGORITHM=HS256 needs a JWT_AUDIENCE other than GATEHOUSE_AUDIENCE",
    ],
    ["a master key that is none", { GATEHOUSE_MASTER_KEY: canary }, "GATEHOUSE_MASTER_KEY is not right"],
    [
      "a database URL that is none",
      { GATEHOUSE_DATABASE_URL: `mysql://app:${canary}@127.0.0.1:1/x` },
      "GATEHOUSE_DATABASE_URL is not right",
    ],
    [
      "an unreachable database",
      { GATEHOUSE_DATABASE_URL: `postgres://app:${canary}@127.0.0.1:1/gatehouse` },
      "the database gatehouse at 127.0.0.1:1 of GATEHOUSE_DATABASE_URL cannot be reached or refuses the login",
    ],
    [
      "an address of another machine",
      { ...plaintext, ...sealed, GATEHOUSE_GRPC_LISTEN: "192.0.2.1:50051" },
      "cannot listen on 192.0.2.1:50051",
    ],
    [
      "P-08 credentials for every page",
      { GATEHOUSE_CORS_ORIGINS: "*", GATEHOUSE_CORS_CREDENTIALS: "true" },
      "GATEHOUSE_CORS_CREDENTIALS=true with GATEHOUSE_CORS_ORIGINS=* would let every page act as its visitor",
    ],
    [
      "NET-02 a web door beyond loopback in plaintext",
      { ...sealed, GATEHOUSE_WEB_LISTEN: "0.0.0.0:0" },
      "GATEHOUSE_WEB_LISTEN reaches beyond loopback in plaintext",
    ],
    [
      "an address of another machine for the web door",
      { ...sealed, GATEHOUSE_WEB_LISTEN: "192.0.2.1:8080", GATEHOUSE_INSECURE_PLAINTEXT: "true" },
      "cannot listen on 192.0.2.1:8080",
    ],
    [
      "a socket in no directory",
      { ...sealed, GATEHOUSE_GRPC_LISTEN: "unix:/nonexistent/g.sock" },
      "cannot listen on unix:/nonexistent/g.sock",
    ],
  ];

  it.each(refusals)("refuses %s", async (_, given, sentence) => {
    requireRefusal(await runGatehouse({ ...installation.environment, ...given }), sentence);
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });

  it("NET-02 refuses plaintext beyond loopback that nobody said out loud", async () => {
    const given = { GATEHOUSE_GRPC_LISTEN: "0.0.0.0:0", ...sealed };
    const ended = await runGatehouse({ ...installation.environment, ...given });
    requireRefusal(ended, "reaches beyond loopback in plaintext");
  });

  it("F-04 JWT-07 refuses the example secrets of the JWT settings, and names every problem at once", async () => {
    const ended = await runGatehouse({
      ...installation.environment,
      GATEHOUSE_LOG_LEVEL: canary,
      JWT_ALGORITHM: "HS256",
      JWT_AUDIENCE: "shop",
      JWT_SECRET_KEY: "supersecret",
      GATEHOUSE_SESSION_IDLE: "10d",
      GATEHOUSE_SESSION_ABSOLUTE: "8d",
    });
    const [first, ...problems] = sentences(ended);
    expect(first).toBe("gatehouse: 4 settings are not right");
    expect(problems.join("\n")).toMatch(/LOG_LEVEL.*JWT_SECRET_KEY is shorter.*known example.*SESSION_IDLE/s);
    expect(ended.stderr).not.toContain("supersecret");
    requireClean(ended);
  });

  it("refuses a port that is in use", async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, "127.0.0.1", resolve));
    const { port } = other.address() as { port: number };
    const given = { ...installation.environment, ...sealed, GATEHOUSE_GRPC_LISTEN: `127.0.0.1:${port}` };
    requireRefusal(await runGatehouse(given), `cannot listen on 127.0.0.1:${port}: it is in use`);
    await new Promise((resolve) => other.close(resolve));
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });
});

describe("data directories that cannot be used", () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await makeInstallation();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  const start = (path: string, more: Environment = {}) =>
    runGatehouse({ ...installation.environment, GATEHOUSE_DATA_DIR: path, ...more }, ["serve"], bound);

  it("refuses a file, and a place below a file", async () => {
    const file = join(installation.scratch, "file");
    await writeFile(file, "");
    requireRefusal(await start(file), `the data directory ${file} is not a directory`);
    requireRefusal(await start(join(file, "data")), "is not a directory");
  });

  it("refuses one that cannot be written or made, whichever database is used", async () => {
    const path = join(installation.scratch, "sealed");
    await mkdir(path);
    await chmod(path, 0o500);
    requireRefusal(await start(path), `the data directory ${path} cannot be written`);
    requireRefusal(await start(join(path, "data")), "cannot be made (EACCES)");
    // Where Node's own way of making directories never returns.
    requireRefusal(await start("/proc/gatehouse"), "the data directory /proc/gatehouse cannot be made");
    const elsewhere = { GATEHOUSE_DATABASE_URL: `postgres://app:${canary}@127.0.0.1:1/gatehouse` };
    requireRefusal(await start("/proc/gatehouse", elsewhere), "the data directory /proc/gatehouse cannot be made");
  });
});

describe("a database of one's own that cannot be used", () => {
  let installation: Installation;

  beforeAll(async () => {
    installation = await makeInstallation();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  it("refuses one that was not migrated, and names the command", async () => {
    const database = await startTestDatabase({ migrated: false });
    const given = { GATEHOUSE_DATABASE_URL: databaseUrl(database.connection("app")) };
    const ended = await runGatehouse({ ...installation.environment, ...given });
    requireRefusal(ended, "the database schema is empty: run gatehouse migrate");
    await database.drop();
  });

  it("refuses a wrong password without a word about either", async () => {
    const database = await startTestDatabase();
    const url = databaseUrl(database.connection("app"), canary);
    const ended = await runGatehouse({ ...installation.environment, GATEHOUSE_DATABASE_URL: url });
    requireRefusal(ended, "cannot be reached or refuses the login");
    await database.drop();
  });

  it("refuses to migrate without the owner's URL, and what is no owner", async () => {
    const database = await startTestDatabase({ migrated: false });
    const url = databaseUrl(database.connection("app"));
    const { environment } = installation;
    const without = await runGatehouse({ ...environment, GATEHOUSE_DATABASE_URL: url }, ["migrate"]);
    requireRefusal(without, "GATEHOUSE_DATABASE_OWNER_URL is not set");
    const owner = databaseUrl(database.connection("owner"), canary);
    const wrong = { ...environment, GATEHOUSE_DATABASE_URL: url, GATEHOUSE_DATABASE_OWNER_URL: owner };
    requireRefusal(await runGatehouse(wrong, ["migrate"]), "cannot be reached as its owner");
    await database.drop();
  });
});

describe("an installation whose files were harmed", () => {
  let installation: Installation;
  let keys: string;
  let whole: Buffer;

  beforeAll(async () => {
    installation = await makeInstallation({ GATEHOUSE_KEYS: "local" });
    const server = await installation.start();
    await server.stop();
    keys = join(installation.dataDir, "keys", "keys.json");
    whole = await readFile(keys);
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  const start = (more: Environment = {}) => runGatehouse({ ...installation.environment, ...more });
  const restored = (path: string, bytes: Buffer) => async () => writeFile(path, bytes, { mode: 0o600 });

  const harms: readonly (readonly [string, (text: string) => string])[] = [
    ["is empty", () => ""],
    ["is cut off", (text) => text.slice(0, text.length / 2)],
    ["is of another form", () => JSON.stringify({ [canary]: canary })],
    [
      "has one letter changed",
      (text) => text.replace(/("sealed": ".{40})(.)/, (_, a, b) => a + (b === "A" ? "B" : "A")),
    ],
  ];

  it.each(harms)("refuses a key file that %s", async (_, harm) => {
    const text = harm(whole.toString());
    expect(text).not.toBe(whole.toString());
    await writeFile(keys, text);
    const ended = await start().finally(restored(keys, whole));
    requireRefusal(ended, "keys.json is damaged: restore it from a backup");
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });

  it("refuses a key file that is gone, or that others may read", async () => {
    await rm(keys);
    requireRefusal(await start().finally(restored(keys, whole)), "is missing, but the database holds data");
    await chmod(keys, 0o644);
    const ended = await start().finally(() => chmod(keys, 0o600));
    requireRefusal(ended, "is open to other users");
  });

  it("refuses another master key, in the environment and in the file", async () => {
    const other = randomBytes(32).toString("base64");
    const said = /was sealed by master key [0-9a-f]{16}, but the one given is [0-9a-f]{16}/;
    const given = await start({ GATEHOUSE_MASTER_KEY: other });
    requireRefusal(given, said);
    const file = join(installation.dataDir, "keys", "master.key");
    const before = await readFile(file);
    await writeFile(file, other);
    const found = await start().finally(restored(file, before));
    requireRefusal(found, said);
    for (const { stderr } of [given, found]) expect(stderr).not.toContain(other);
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });

  it("is as good as before once they are restored, and refuses a second process while the first one runs", async () => {
    const server = await installation.start();
    requireRefusal(await start(), `the data directory ${installation.dataDir} is in use by the process ${server.pid}`);
    requireRefusal(
      await runGatehouse(installation.environment, ["admin", "recover"]),
      `is in use by the process ${server.pid}`,
    );
    expect(await server.stop()).toMatchObject({ code: 0 });
    expect(await databaseProcesses(installation.dataDir)).toEqual([]);
  });
});
