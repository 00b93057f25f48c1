// `npm run demo` against the real command, as often as anyone likes.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { type Installation, makeInstallation } from "./installation.ts";

const script = fileURLToPath(new URL("../../../tools/demo.ts", import.meta.url));

interface Played {
  readonly code: number | string | null | undefined;
  readonly output: string;
}

function play(words: readonly string[]): Promise<Played> {
  return new Promise((resolve) => {
    execFile(process.execPath, [script, ...words], { timeout: 100_000 }, (error, stdout, stderr) =>
      resolve({ code: error === null ? 0 : error.code, output: stdout + stderr }),
    );
  });
}

describe("the demo", () => {
  let installation: Installation;
  let server: GatehouseProcess;

  beforeAll(async () => {
    installation = await makeInstallation();
    server = await installation.start();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  it("goes as the contracts say, twice on one server, and shows no secret", async () => {
    for (const round of ["first", "second"]) {
      const { code, output } = await play([server.address, "--data-dir", installation.dataDir]);
      expect({ round, code, output }).toMatchObject({ code: 0 });
      expect(output).toMatch(/Every step went as the contracts say\.\n$/);
      expect(output).not.toMatch(/eyJ|DIFFERS/);
    }
  }, 240_000);

  it("says in one line what is wrong when no server is there, and exits with 1", async () => {
    const { code, output } = await play(["127.0.0.1:1", "--data-dir", installation.dataDir]);
    expect(code).toBe(1);
    expect(output.trim().split("\n")).toHaveLength(1);
    expect(output).toContain("127.0.0.1:1");
  });
});
