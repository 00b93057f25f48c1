// The list of clusters: what a line may say, and that a wrong one refuses the whole file without repeating it.
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import { readIssuers } from "../../../src/kubernetes/issuers-file.ts";

let path: string;
beforeAll(async () => {
  path = join(await mkdtemp(join(tmpdir(), "gatehouse-issuers-")), "issuers.jsonl");
});
afterAll(() => rm(join(path, ".."), { recursive: true }));

async function read(...lines: readonly (string | object)[]) {
  await writeFile(path, lines.map((line) => (typeof line === "string" ? line : JSON.stringify(line))).join("\n"));
  return readIssuers({ setting: "GATEHOUSE_KUBERNETES_ISSUERS_FILE", path }, "gatehouse");
}

const file = { issuer: "https://a.test", jwks_file: "/keys.json" };
const remote = { issuer: "https://b.test", jwks_url: "https://b.test/openid/v1/jwks" };

describe("the list of clusters", () => {
  it("says where each cluster's keys are and which audience its tokens must name", async () => {
    const more = { audience: "gate", ca_file: "/ca.pem", token_file: "/token" };
    expect(await read("# reviewed", "", file, { ...remote, ...more })).toEqual([
      { issuer: "https://a.test", audience: "gatehouse", keys: { kind: "file", path: "/keys.json" } },
      {
        issuer: "https://b.test",
        audience: "gate",
        keys: { kind: "url", url: new URL(remote.jwks_url), caFile: "/ca.pem", tokenFile: "/token" },
      },
    ]);
  });

  it.each([
    ["no JSON", "hunter2"],
    ["an array", "[]"],
    ["no issuer", { jwks_file: "/keys.json" }],
    ["no keys", { issuer: "https://a.test" }],
    ["two places of keys", { ...file, jwks_url: remote.jwks_url }],
    ["a file with an authority", { ...file, ca_file: "/ca.pem" }],
    ["keys in plaintext", { ...remote, jwks_url: "http://b.test/keys" }],
    ["keys from a file URL", { ...remote, jwks_url: "file:///keys.json" }],
    ["a password in the URL", { ...remote, jwks_url: "https://u:hunter2@b.test/" }],
    ["a member that nobody knows", { ...file, scopes: "*" }],
    ["a number", { ...file, audience: 1 }],
    ["an empty audience", { ...file, audience: "" }],
  ])("is refused as a whole for %s, with the number of the line and not its words", async (_, wrong) => {
    const error = await read(remote, wrong).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(StartRefused);
    expect((error as Error).message).toMatch(
      /of GATEHOUSE_KUBERNETES_ISSUERS_FILE is not right in line 2: expected issuer/,
    );
    expect((error as Error).message).not.toContain("hunter2");
  });

  it("is refused when it names one issuer twice, and when it names none", async () => {
    await expect(read(file, file)).rejects.toThrow("in line 2");
    await expect(read("# none yet")).rejects.toThrow("names no issuer");
  });
});
