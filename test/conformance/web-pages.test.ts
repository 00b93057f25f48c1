// What the web door has beside calls, and what every answer of it carries.
import { createHash } from "node:crypto";
import { once } from "node:events";
import { connect } from "node:http2";
import { connect as connectTls } from "node:tls";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { createRemoteJWKSet } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { TransportSecurity } from "../../src/tls/ports.ts";
import { makeAuthority, makeLeaf } from "../fixtures/certificates.ts";
import { pathOf } from "./door.ts";
import {
  type Asked,
  ask,
  askHttp2,
  openTestWebDoor,
  reasonOf,
  sendBytes,
  sessionOf,
  type TestWebDoor,
} from "./web-door.ts";

const off = "off" as const;
const login = pathOf(AuthService.method.login);
const key = { kty: "EC", use: "sig", alg: "ES256", kid: "k1", crv: "P-256", x: "eA", y: "eQ", n: "", e: "" };
const json = { "content-type": "application/json" };

let door: TestWebDoor;
let keys: object[] = [];

beforeAll(async () => {
  door = await openTestWebDoor({
    script: { "TokenService/GetJwks": async () => ({ keys }) },
    rates: { login: off, tokenCheck: off, read: { count: 100, perMs: 60_000 }, write: { count: 1, perMs: 60_000 } },
  });
  keys = [key];
});
afterAll(() => door.close());

describe("the public keys", () => {
  const page = "/.well-known/jwks.json";

  it("are a JWK set (RFC 7517) that may be kept for a while", async () => {
    const answer = await ask(door, page);
    expect(answer.headers).toMatchObject({
      "content-type": "application/jwk-set+json",
      "cache-control": "public, max-age=300",
      "access-control-allow-origin": "*",
      "cross-origin-resource-policy": "cross-origin",
    });
    const { n: _n, e: _e, ...members } = key;
    expect(answer.json).toEqual({ keys: [members] });
    expect(createRemoteJWKSet(new URL(`http://127.0.0.1:${door.port}${page}`))).toBeTypeOf("function");
  });

  it("have a strong tag, and are not sent again to who has them", async () => {
    const { headers, body } = await ask(door, page);
    const { etag = "" } = headers;
    expect(etag).toBe(`"${createHash("sha256").update(body).digest("base64url")}"`);
    for (const held of [etag, `"other", ${etag}`, `W/${etag}`, "*"]) {
      const again = await ask(door, page, { headers: { "if-none-match": held } });
      expect([again.status, again.body.length, again.headers.etag]).toEqual([304, 0, etag]);
    }
    expect((await ask(door, page, { headers: { "if-none-match": '"other"' } })).status).toBe(200);
    keys = [key, { ...key, kid: "k2" }];
    const changed = await ask(door, page, { headers: { "if-none-match": etag } });
    expect([changed.status, changed.headers.etag === etag]).toEqual([200, false]);
    keys = [key];
  });

  it("answer HEAD without a body", async () => {
    const [get, head] = [await ask(door, page), await ask(door, page, { method: "HEAD" })];
    expect(head.body).toHaveLength(0);
    expect(head.headers["content-length"]).toBe(String(get.body.length));
    expect(head.headers.etag).toBe(get.headers.etag);
  });

  it("are open to every page, without credentials", async () => {
    const answer = await ask(door, page, { headers: { origin: "https://anybody.example" } });
    expect(answer.headers["access-control-allow-origin"]).toBe("*");
    expect(answer.headers["access-control-allow-credentials"]).toBeUndefined();
  });

  it("AZ-09 draw on the same budget as the call", async () => {
    const own = await openTestWebDoor({
      rates: { login: off, tokenCheck: off, read: { count: 1, perMs: 60_000 }, write: off },
    });
    const first = await ask(own, page);
    expect(first.headers["x-ratelimit-remaining"]).toBe("0");
    expect(first.headers["ratelimit-policy"]).toBe('"read";q=1;w=60');
    const second = await ask(own, page);
    expect([second.status, reasonOf(second)]).toEqual([429, "RATE_LIMITED"]);
    expect(Number(second.headers["retry-after"])).toBeGreaterThan(0);
    expect(second.json?.details?.map(({ type }) => type)).toEqual(
      expect.arrayContaining(["google.rpc.ErrorInfo", "google.rpc.RetryInfo", "google.rpc.QuotaFailure"]),
    );
    expect(second.headers["cache-control"]).toBe("no-store");
    await own.close();
  });
});

describe("health", () => {
  it("is alive as long as it answers", async () => {
    expect(await ask(door, "/healthz")).toMatchObject({ status: 200, json: { status: "ALIVE" } });
    expect((await ask(door, "/healthz", { method: "HEAD" })).body).toHaveLength(0);
  });

  it("RPC-02 is ready while it serves, and tells who is near what is missing", async () => {
    const own = await openTestWebDoor();
    own.health.set("gatehouse.token.v1.TokenService", "NOT_SERVING");
    const near = await ask(own, "/readyz");
    expect(near).toMatchObject({
      status: 503,
      json: { status: "NOT_SERVING", notReady: ["gatehouse.token.v1.TokenService"] },
    });
    expect(near.headers["retry-after"]).toBe("1");
    for (const header of ["x-forwarded-for", "forwarded", "via"]) {
      const far = await ask(own, "/readyz", { headers: { [header]: "192.0.2.1" } });
      expect(far.json).toEqual({ status: "NOT_SERVING" });
    }
    own.health.set("", "SERVING");
    expect(await ask(own, "/readyz")).toMatchObject({ status: 200, json: { status: "SERVING" } });
    own.health.shutdown();
    expect((await ask(own, "/readyz")).status).toBe(503);
    await own.close();
  });
});

describe("what is not there", () => {
  it.each<[string, string, Asked, number]>([
    ["an unknown path", "/etc/passwd", {}, 404],
    ["the root", "/", {}, 404],
    ["an unknown method", "/gatehouse.auth.v1.AuthService/Nothing", { method: "POST", headers: json, body: "{}" }, 404],
    ["a name of JavaScript's", "/__proto__", {}, 404],
    ["a path that climbs", "/healthz/../readyz", {}, 404],
    ["a write to a page", "/healthz", { method: "DELETE" }, 405],
    ["a read of a call", login, {}, 405],
    ["another method of HTTP", login, { method: "TRACE" }, 405],
    ["no content type", login, { method: "POST", body: "{}" }, 415],
    ["a form", login, { method: "POST", headers: { "content-type": "text/plain" }, body: "{}" }, 415],
    ["native gRPC", login, { method: "POST", headers: { "content-type": "application/grpc" }, body: "" }, 415],
    [
      "a stream of a unary method",
      login,
      { method: "POST", headers: { "content-type": "application/connect+json" } },
      415,
    ],
    ["an unknown expectation", login, { method: "POST", headers: { ...json, expect: "miracles" }, body: "{}" }, 417],
  ])("%s is refused with a reason", async (_, path, asked, status) => {
    const answer = await ask(door, path, asked);
    expect(answer.status).toBe(status);
    expect(reasonOf(answer)).toMatch(/^(METHOD_UNKNOWN|METADATA_INVALID)$/);
    if (status === 405) expect(answer.headers.allow).toMatch(/^(POST|GET, HEAD)$/);
    if (status === 415) expect(answer.headers["accept-post"]).toContain("application/json");
  });
});

const expected = {
  "x-content-type-options": "nosniff",
  "x-frame-options": "DENY",
  "x-xss-protection": "0",
  "content-security-policy": "default-src 'none'; frame-ancestors 'none'",
  "referrer-policy": "no-referrer",
};

describe("NET-02 over TLS", () => {
  it("both versions of HTTP are agreed on by ALPN, plaintext is not served, and browsers are told to stay", async () => {
    const authority = await makeAuthority();
    const { key: privateKey, pem: cert } = await makeLeaf(authority, { ips: ["127.0.0.1"], uses: ["server"] });
    const security: TransportSecurity = {
      options: { key: privateKey, cert },
      guard: () => () => {},
      onChange: () => () => {},
      identify: () => undefined,
    };
    const own = await openTestWebDoor({ security });
    expect(own.door.address).toMatch(/^https:/);
    for (const protocol of ["h2", "http/1.1"]) {
      const socket = connectTls({ port: own.port, host: "127.0.0.1", ca: authority.pem, ALPNProtocols: [protocol] });
      await once(socket, "secureConnect");
      expect(socket.alpnProtocol).toBe(protocol);
      socket.destroy();
    }
    const session = connect(own.door.address, { ca: authority.pem });
    const { headers } = await askHttp2(session, "/healthz");
    expect(headers).toMatchObject({ ...expected, "strict-transport-security": "max-age=31536000" });
    session.destroy();
    await expect(ask(own, "/healthz")).rejects.toThrow(/hang up|ECONNRESET/);
    await own.close();
  });
});

describe("P-11 every answer", () => {
  it.each<[string, string, Asked]>([
    ["a call", pathOf(AuthService.method.whoAmI), { method: "POST", headers: json, body: "{}" }],
    ["a page", "/healthz", {}],
    ["an unknown path", "/nothing", {}],
    [
      "a preflight",
      login,
      { method: "OPTIONS", headers: { origin: "https://a.example", "access-control-request-method": "POST" } },
    ],
    ["a refused HTTP method", login, {}],
    ["the keys", "/.well-known/jwks.json", {}],
    ["an unknown expectation", "/healthz", { headers: { expect: "miracles" } }],
    ["headers beyond the bound", "/healthz", { headers: { "x-long": "x".repeat(16_200) } }],
    ["a type that is not served", login, { method: "POST", headers: { "content-type": "text/plain" }, body: "x" }],
  ])("of %s carries the security headers, and no banner", async (_, path, asked) => {
    const session = sessionOf(door);
    const both = [await ask(door, path, asked), await askHttp2(session, path, asked as never)];
    session.close();
    for (const { headers } of both) {
      expect(headers).toMatchObject(expected);
      expect(headers["cache-control"]).toBe(path.endsWith("jwks.json") ? "public, max-age=300" : "no-store");
      expect(headers["cross-origin-resource-policy"]).toMatch(/^(same|cross)-origin$/);
      expect(headers["strict-transport-security"]).toBeUndefined();
      expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(["server"]));
      expect(Object.keys(headers)).not.toEqual(expect.arrayContaining(["x-powered-by"]));
    }
  });

  it.each([
    ["no HTTP", "canary\r\n\r\n", 400],
    ["a bad header", "GET /healthz HTTP/1.1\r\nHost: x\r\nca nary: 1\r\n\r\n", 400],
    ["no host", "GET /healthz HTTP/1.1\r\nConnection: close\r\n\r\n", 400],
    ["two hosts", "GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\nConnection: close\r\n\r\n", 400],
    [
      "a length and chunks",
      `POST ${login} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
      400,
    ],
    ["two lengths", `POST ${login} HTTP/1.1\r\nHost: x\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\n`, 400],
    ["headers beyond 16 KiB", `GET /healthz HTTP/1.1\r\nHost: x\r\nX-Long: ${"x".repeat(17 * 1024)}\r\n\r\n`, 431],
    ["a tunnel", "CONNECT canary.example:443 HTTP/1.1\r\nHost: canary.example\r\n\r\n", 400],
  ])("DAT-08 of %s on the wire looks like the others", async (_, bytes, status) => {
    const answer = await sendBytes(door, bytes);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
    for (const [name, value] of Object.entries(expected))
      expect(answer.toLowerCase()).toContain(`${name}: ${value.toLowerCase()}`);
    expect(answer).not.toMatch(/canary|^server:|node/im);
  });
});
