// A cluster's keys over real https: verified, with Gatehouse's own token, bounded, and from nowhere else.
import { writeFile } from "node:fs/promises";
import type { RequestListener } from "node:http";
import { createServer, type Server } from "node:https";
import type { AddressInfo } from "node:net";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { fetchKeys } from "../../../src/kubernetes/fetch-keys.ts";
import {
  type Authority,
  type CertificateFiles,
  certificateFiles,
  makeAuthority,
  makeLeaf,
} from "../../fixtures/certificates.ts";

let files: CertificateFiles;
let authority: Authority;
let caFile: string;
let server: Server;
let asked: { url: string | undefined; authorization: string | undefined }[];
let answer: RequestListener;

beforeEach(async () => {
  files = await certificateFiles();
  authority = await makeAuthority();
  caFile = await files.write("ca.pem", authority.pem);
  const leaf = await makeLeaf(authority, { dns: ["localhost"], uses: ["server"] });
  asked = [];
  answer = (_, response) => response.end('{"keys":[]}');
  server = createServer({ cert: leaf.pem, key: leaf.key }, (request, response) => {
    asked.push({ url: request.url, authorization: request.headers.authorization });
    answer(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
});
afterEach(async () => {
  server.closeAllConnections();
  server.close();
  await files[Symbol.asyncDispose]();
});

function ask(more: { readonly host?: string; readonly caFile?: string | undefined; readonly tokenFile?: string } = {}) {
  const { host = "localhost", tokenFile } = more;
  const url = new URL(`https://${host}:${(server.address() as AddressInfo).port}/openid/v1/jwks`);
  const trusted = "caFile" in more ? more.caFile : caFile;
  return fetchKeys({ kind: "url", url, caFile: trusted, tokenFile });
}

describe("a cluster's keys", () => {
  it("come with the token of the moment, which turns over", async () => {
    const tokenFile = await files.write("token", "first\n");
    expect(await ask({ tokenFile })).toBe('{"keys":[]}');
    await writeFile(tokenFile, "second");
    await ask({ tokenFile });
    await ask();
    expect(asked).toEqual([
      { url: "/openid/v1/jwks", authorization: "Bearer first" },
      { url: "/openid/v1/jwks", authorization: "Bearer second" },
      { url: "/openid/v1/jwks", authorization: undefined },
    ]);
  });

  it("CVE-2025-49825 are not taken from whom the authority does not vouch for, and the token is not shown there", async () => {
    const tokenFile = await files.write("token", "hunter2");
    const foreign = await files.write("foreign.pem", (await makeAuthority()).pem);
    await expect(ask({ caFile: foreign, tokenFile })).rejects.toThrow();
    await expect(ask({ caFile: undefined, tokenFile })).rejects.toThrow();
    await expect(ask({ host: "127.0.0.1", tokenFile })).rejects.toThrow();
    expect(asked).toEqual([]);
  });

  it("are not looked for where the answer points", async () => {
    answer = (_, response) => response.writeHead(302, { location: "/elsewhere" }).end();
    await expect(ask()).rejects.toThrow("status 302");
    expect(asked).toHaveLength(1);
  });

  it.each([401, 404, 500])("are not what comes with status %s", async (status) => {
    answer = (_, response) => response.writeHead(status).end('{"keys":[]}');
    await expect(ask()).rejects.toThrow(`status ${status}`);
  });

  it("are bounded, however long the answer goes on", async () => {
    answer = (_, response) => {
      const more = () => response.destroyed || response.write("x".repeat(65_536), () => setImmediate(more));
      more();
    };
    await expect(ask()).rejects.toThrow("too large");
  });

  it("are given up when the answer breaks off", async () => {
    answer = (_, response) => {
      response.writeHead(200, { "content-length": "100" }).write("{");
      setImmediate(() => response.destroy());
    };
    await expect(ask()).rejects.toThrow();
  });
});
