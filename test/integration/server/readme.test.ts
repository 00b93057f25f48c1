// The README's words, typed by somebody who trusts them: every line of the story, in one shell, against a new server.
import { spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { findGoTool } from "../../../tools/go-tools.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { type Installation, makeInstallation } from "./installation.ts";

const readme = readFileSync(new URL("../../../README.md", import.meta.url), "utf8");

/** The lines of the shell blocks below a heading. */
function linesOf(heading: string): readonly string[] {
  const story = new RegExp(`^## ${heading}\\n([\\s\\S]*?)\\n## `, "m").exec(readme)?.[1] ?? "";
  return [...story.matchAll(/^```sh\n([\s\S]*?)^```$/gm)].flatMap(([, block = ""]) =>
    block.split("\n").filter((line) => line !== ""),
  );
}

interface Told {
  readonly line: string;
  readonly output: string;
  readonly status: number;
}

const mark = "--- end of line:";

/** As typed: a failing line does not end the shell. What a line says on stderr is part of its output. */
function type(typed: readonly string[], path: string): Promise<readonly Told[]> {
  return new Promise((resolve, reject) => {
    const shell = spawn("bash", ["--noprofile", "--norc", "-s"], {
      env: { PATH: `${path}:${process.env.PATH ?? ""}`, HOME: process.env.HOME ?? "" },
      timeout: 300_000,
    });
    let output = "";
    shell.stdout.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    shell.once("error", reject);
    shell.once("close", () => {
      const parts = output.split(mark);
      resolve(
        typed.map((line, index) => ({
          line,
          output: (parts[index] ?? "").replace(/^ \d+\n/, ""),
          status: Number(/^ (\d+)/.exec(parts[index + 1] ?? "")?.[1] ?? Number.NaN),
        })),
      );
    });
    shell.stdin.end(`exec 2>&1\n${typed.map((line) => `${line}\necho "${mark} $?"\n`).join("")}`);
  });
}

interface Stage {
  readonly installation: Installation;
  readonly server: GatehouseProcess;
  readonly told: readonly Told[];
}

/** Types a story against a new server, where the README's own addresses and paths are. */
async function tell(lines: readonly string[], path: string): Promise<Stage> {
  const installation = await makeInstallation();
  const server = await installation.start();
  const here = (line: string): string =>
    line
      .replaceAll("127.0.0.1:50051", server.address)
      .replaceAll("http://127.0.0.1:8080", server.webAddress)
      .replaceAll(".gatehouse/", `${installation.dataDir}/`);
  return { installation, server, told: await type(lines.map(here), path) };
}

describe.each([
  ["The story, with grpcurl", () => dirname(findGoTool("grpcurl")), 12],
  ["The same story, with curl", () => "/usr/bin", 14],
])("the README: %s", (heading, path, least) => {
  const lines = linesOf(heading);
  let stage: Stage;

  beforeAll(async () => {
    stage = await tell(lines, path());
  }, 400_000);
  afterAll(() => stage.installation[Symbol.asyncDispose]());

  /** The answers of a method, in the order of the story. */
  const answers = (method: string): string[] =>
    stage.told.filter(({ line }) => line.includes(`/${method}`)).map(({ output }) => output);

  it("is there, and every line of it works", () => {
    expect(lines.length).toBeGreaterThan(least);
    expect(stage.told.filter(({ status }) => status !== 0)).toEqual([]);
    expect(stage.told.filter(({ output }) => /ERROR|error|not found|Failed/.test(output))).toEqual([]);
  });

  it("AZ-11 shows first what there is", () => {
    if (heading.includes("curl") && !heading.includes("grpcurl")) {
      expect(JSON.parse(stage.told[0]?.output ?? "")).toEqual({ status: "SERVING" });
      expect(JSON.parse(answers(".well-known/jwks.json")[0] ?? "")).toMatchObject({
        keys: [{ use: "sig", alg: "ES256" }],
      });
      return;
    }
    expect(stage.told[0]?.output.trim().split("\n")).toEqual([
      "gatehouse.audit.v1.AuditService",
      "gatehouse.auth.v1.AuthService",
      "gatehouse.auth.v1.ClientService",
      "gatehouse.auth.v1.DirectoryService",
      "gatehouse.auth.v1.GrantService",
      "gatehouse.auth.v1.ServiceAccountService",
      "gatehouse.auth.v1.SessionService",
      "gatehouse.secrets.v1.CryptoService",
      "gatehouse.secrets.v1.SecretsService",
      "gatehouse.token.v1.SigningKeyService",
      "gatehouse.token.v1.TokenService",
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
    ]);
  });

  it("makes an administrator and lets a person in", () => {
    for (const method of ["Bootstrap", "Login"]) {
      const [answer = ""] = answers(method);
      expect(JSON.parse(answer)).toMatchObject({
        principalId: expect.stringMatching(/^prn_/),
        tokens: { accessToken: expect.stringMatching(/^eyJ/), refreshToken: expect.any(String) },
      });
    }
  });

  it("stores a secret, gives a role, and the person reads what was stored", () => {
    expect(JSON.parse(answers("PutSecret")[0] ?? "")).toMatchObject({ version: { version: 1 } });
    expect(JSON.parse(answers("CreateGrant")[0] ?? "")).toMatchObject({
      grant: { role: "viewer", resource: "secrets/team-a", effect: "EFFECT_ALLOW" },
    });
    expect(JSON.parse(answers("GetSecret")[0] ?? "")).toMatchObject({ value: "czNjcjN0", version: { version: 1 } });
  });

  it("F-02 shows the token active, renews it, and shows it dead after the logout", () => {
    const [before = "", after = ""] = answers("Introspect");
    expect(JSON.parse(before)).toMatchObject({ active: true, kind: "TOKEN_KIND_ACCESS", audience: "gatehouse" });
    expect(JSON.parse(answers("Refresh")[0] ?? "")).toMatchObject({ tokens: { refreshToken: expect.any(String) } });
    expect(JSON.parse(after).active ?? false).toBe(false);
  });

  it("P-12 ends with the audit trail, which tells all of it, newest first", () => {
    const { events } = JSON.parse(answers("QueryEvents")[0] ?? "") as { events: { event: string; outcome: string }[] };
    expect(events.map(({ event }) => event)).toEqual([
      "authn.logout",
      "token.refreshed",
      "secret.read",
      "authn.login",
      "authz.grant_created",
      "secret.written",
      "user.created",
      "invitation.created",
      "user.bootstrap",
      "authn.bootstrap_token_created",
      "key.signing_created",
      "key.created",
    ]);
    expect(new Set(events.map(({ outcome }) => outcome))).toEqual(new Set(["OUTCOME_SUCCESS"]));
  });

  it("P-05 prints nothing of it to the log", () => {
    const { stdout, stderr } = stage.server.output();
    expect(stdout.trim().split("\n")).toHaveLength(1);
    for (const secret of ["correct horse", "quiet harbour", "s3cr3t", "czNjcjN0", "eyJ"]) {
      expect(stdout + stderr).not.toContain(secret);
    }
  });
});

describe("the README: And with plain OAuth", () => {
  it("M-09 goes on where the story with curl ends, and every line of it works", async () => {
    const more = linesOf("And with plain OAuth");
    expect(more.length).toBeGreaterThan(6);
    const stage = await tell([...linesOf("The same story, with curl"), ...more], "/usr/bin");
    await stage.installation[Symbol.asyncDispose]();
    expect(stage.told.filter(({ status }) => status !== 0)).toEqual([]);
    const answers = stage.told.slice(-3).map(({ output }) => output.trim());
    expect(JSON.parse(answers[0] ?? "")).toMatchObject({ active: true, client_id: "till", scope: "secrets.read" });
    expect(answers.slice(1)).toEqual(["", '{"active":false}']);
  }, 400_000);
});
