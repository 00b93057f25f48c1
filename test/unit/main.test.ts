// The command line as a user meets it: the launcher, help, refusals in one sentence, exit codes.
import { execFile } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";

const launcher = join(import.meta.dirname, "..", "..", "bin", "gatehouse");
const directory = mkdtempSync(join(tmpdir(), "gatehouse-main-"));
afterAll(() => rmSync(directory, { recursive: true }));

interface Ended {
  readonly code: number;
  readonly out: string;
  readonly err: string;
}

function gatehouse(args: readonly string[], env: Record<string, string> = {}, path = launcher): Promise<Ended> {
  const surroundings = { PATH: "/usr/bin:/bin", ...env };
  return new Promise((resolve) => {
    execFile(path, args, { cwd: directory, env: surroundings }, (error, out, err) => {
      resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err });
    });
  });
}

describe("gatehouse", () => {
  it.each([
    ["--help"],
    ["serve", "--help"],
    ["migrate", "--help"],
    ["config", "--help"],
    ["policy", "--help"],
    ["admin", "--help"],
    ["admin", "recover", "--help"],
    ["decode", "--help"],
  ])("has help for %s %s", async (...args) => {
    const ended = await gatehouse(args.filter((arg) => arg !== undefined));
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toContain("Usage: gatehouse");
  });

  it("loads neither gRPC nor the database to print its help", async () => {
    const ended = await gatehouse(["config", "--help"], { NODE_DEBUG: "module,esm" });
    expect(ended.code).toBe(0);
    expect(ended.err).toContain("commander");
    expect(ended.err).not.toMatch(/@grpc|node_modules\/pg\/|node_modules\/pino\//);
  });

  it("tells its version, through a link as well", async () => {
    const link = join(directory, "gatehouse");
    symlinkSync(launcher, link);
    expect(await gatehouse(["--version"], {}, link)).toEqual({ code: 0, out: "0.1.0\n", err: "" });
  });

  it("prints the settings in force, masked", async () => {
    const ended = await gatehouse(["config"], { GATEHOUSE_DATABASE_URL: "postgres://u:canary@h/d" });
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toMatch(/GATEHOUSE_DATABASE_URL +\[set\] +environment/);
    expect(ended.out).not.toContain("canary");
  });

  it("refuses wrong settings in clear sentences, every one, without a stack", async () => {
    const ended = await gatehouse([], { GATEHOUSE_GRPC_LISTN: "x", GATEHOUSE_KEYS: "canary" });
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toBe(
      "gatehouse: 2 settings are not right\n" +
        "  - GATEHOUSE_GRPC_LISTN is no setting; did you mean GATEHOUSE_GRPC_LISTEN?\n" +
        "  - GATEHOUSE_KEYS is not right: expected `local`, `vault`\n",
    );
  });

  it("migrates nothing without the owner's URL, and says where that leaves the embedded database", async () => {
    const ended = await gatehouse(["migrate"]);
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toBe(
      "gatehouse: GATEHOUSE_DATABASE_OWNER_URL is not set; the embedded database migrates itself when it is served\n",
    );
  });

  it("SEC-05 names a database that it cannot reach without its password", async () => {
    const urls = {
      GATEHOUSE_DATABASE_URL: "postgres://app:canary@127.0.0.1:1/gatehouse",
      GATEHOUSE_DATABASE_OWNER_URL: "postgres://owner:canary@127.0.0.1:1/gatehouse",
    };
    const ended = await gatehouse(["migrate"], urls);
    expect(ended).toMatchObject({ code: 1, out: "" });
    expect(ended.err).toMatch(/^gatehouse: the database .*127\.0\.0\.1.* cannot be reached as its owner\n$/);
    expect(ended.err).not.toContain("canary");
  });

  it("refuses commands and options that it does not have", async () => {
    expect(await gatehouse(["confg"])).toMatchObject({
      code: 1,
      err: "error: unknown command 'confg'\n(Did you mean config?)\n",
    });
    expect(await gatehouse(["config", "--verbose"])).toMatchObject({
      code: 1,
      err: "error: unknown option '--verbose'\n",
    });
  });
});

describe("gatehouse decode", () => {
  const decode = (args: readonly string[], input: string) =>
    new Promise<Ended>((resolve) => {
      const child = execFile(launcher, ["decode", ...args], { cwd: directory }, (error, out, err) =>
        resolve({ code: typeof error?.code === "number" ? error.code : 0, out, err }),
      );
      // It may have ended before it has read everything.
      child.stdin?.on("error", () => {});
      child.stdin?.end(input);
    });
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString("base64url");
  const token = `${part({ alg: "ES256" })}.${part({ sub: "prn_x" })}.c2lnbmF0dXJl`;

  it("M-03 reads the token from its input, shows what it says and that nothing was verified", async () => {
    const ended = await decode([], `${token}\n`);
    expect(ended).toMatchObject({ code: 0, err: "" });
    expect(ended.out).toContain('"sub": "prn_x"');
    expect(ended.out).toContain("NOT VERIFIED");
    expect(ended.out).not.toContain("c2lnbmF0dXJl");
  });

  it("P-05 takes none from the command line, where everybody sees it, and repeats none that it refuses", async () => {
    const given = await decode([token], "");
    expect(given.code).not.toBe(0);
    expect(given.out + given.err).not.toContain("c2lnbmF0dXJl");
    const refused = await decode([], "canary.of.something!");
    expect(refused).toMatchObject({ code: 1, out: "" });
    expect(refused.err).toMatch(/^gatehouse: what came in is no JWT/);
    expect(refused.err).not.toContain("canary");
    expect(await decode([], "x".repeat(70_000))).toMatchObject({ code: 1, out: "" });
  });
});
