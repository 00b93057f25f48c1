// What is published works alone: built, laid out as an installation would, used from a process of its own.
import { execFile, execFileSync, spawnSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { refusal, startServer } from "./scripted-server.ts";

const client = join(import.meta.dirname, "..");
const modules = join(client, "../../node_modules");
let home: string;

/** The package as npm lays it out, with what it depends on and nothing else of this repository. */
function install(): void {
  const target = join(home, "node_modules/@gatehouse/client");
  mkdirSync(target, { recursive: true });
  cpSync(join(client, "dist"), join(target, "dist"), { recursive: true });
  cpSync(join(client, "package.json"), join(target, "package.json"));
  const needed = [
    "@bufbuild/protobuf",
    "@bufbuild/protovalidate",
    "@connectrpc/connect",
    "@connectrpc/connect-web",
    "@grpc/grpc-js",
    "@types/node",
    "undici-types",
  ];
  for (const name of needed) {
    const link = join(home, "node_modules", name);
    mkdirSync(dirname(link), { recursive: true });
    symlinkSync(join(modules, name), link);
  }
}

const program = `
import { createGatehouse, isReason, PermissionDenied } from "@gatehouse/client";
import * as web from "@gatehouse/client/web";
import { SecretVersionState } from "@gatehouse/client/proto/gatehouse/secrets/v1/secrets_service_pb.js";

await using gatehouse = createGatehouse({ address: process.argv[2] ?? "", credentials: "t", deadlineMs: 30_000 });
const { version } = await gatehouse.secrets.getSecret({ path: "a/b" });
const enabled: boolean = version?.state === SecretVersionState.ENABLED;
try {
  await gatehouse.secrets.listSecrets({});
} catch (error) {
  console.log(enabled, error instanceof PermissionDenied, isReason(error, "PERMISSION_DENIED"));
}
await using browser: web.Gatehouse = web.createGatehouse({ baseUrl: "http://127.0.0.1:1", retry: { maxAttempts: 1 } });
const lost = await browser.secrets.getSecret({ path: "a" }).catch((error: unknown) => error);
console.log(lost instanceof web.Unavailable, web.Unavailable.name);
`;

beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), "gh-published-"));
  execFileSync(process.execPath, [join(client, "build.ts")], {
    env: { ...process.env, PATH: `${join(modules, ".bin")}:${process.env.PATH}` },
  });
  install();
  writeFileSync(join(home, "package.json"), '{ "type": "module" }');
  writeFileSync(join(home, "program.ts"), program);
}, 60_000);

afterAll(() => rmSync(home, { recursive: true, force: true }));

describe("the published package", () => {
  it("carries calls, contracts and typed errors", async () => {
    const server = await startServer();
    server.on(SecretsService.method.getSecret, () => ({ version: { version: 1, state: 1 } }));
    server.on(SecretsService.method.listSecrets, () => {
      throw refusal({ code: status.PERMISSION_DENIED, reason: "PERMISSION_DENIED" });
    });
    const { promise, resolve } = Promise.withResolvers<string>();
    execFile(process.execPath, [join(home, "program.ts"), server.address], (_, out, err) => resolve(out + err));
    expect(await promise).toBe("true true true\ntrue Unavailable\n");
  });

  it("type-checks strictly where it is used", () => {
    const options = [
      "--strict",
      "--noEmit",
      "--module",
      "nodenext",
      "--target",
      "es2024",
      "--lib",
      "es2024,esnext.disposable,dom",
    ];
    const { stdout, status: code } = spawnSync(
      join(modules, ".bin/tsc"),
      [...options, "--types", "node", "program.ts"],
      {
        cwd: home,
        encoding: "utf8",
      },
    );
    expect(stdout).toBe("");
    expect(code).toBe(0);
  });
});
