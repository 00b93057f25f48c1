// Introspection, revocation and the metadata, and what every OAuth endpoint has in common, as a client that speaks plain OAuth sees them
// on the wire. The token endpoint: oauth-tokens.test.ts; clients that others wrote: oauth-clients.test.ts.
import type { OutgoingHttpHeaders } from "node:http";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { TokenKind } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { usualBounds } from "../../src/rpc/connections/bounds.ts";
import {
  basic,
  clients,
  errorOf,
  exchangeGrant,
  form,
  introspectPath,
  type OAuthDoor,
  openOAuthDoor,
  revokePath,
  tokenPath,
} from "./oauth-door.ts";
import { ask, askHttp2, openTestWebDoor, sendBytes, sessionOf } from "./web-door.ts";

let door: OAuthDoor;
beforeAll(async () => {
  door = await openOAuthDoor();
});
afterEach(() => door.clear());
afterAll(() => door.close());

describe("introspection (RFC 7662)", () => {
  it("says what a live token claims", async () => {
    door.answers.set("Introspect", {
      active: true,
      kind: TokenKind.ACCESS,
      issuer: "https://id.example",
      subject: "prn_1",
      audience: "shop",
      clientId: "till",
      tokenId: "t",
      scopes: ["a", "b"],
      roles: [],
      issueTime: timestampFromMs(1_000_000),
      expireTime: timestampFromMs(2_000_999),
      confirmation: { keyThumbprint: "thumb" },
      actors: [
        { subject: "prn_2", clientId: "late" },
        { subject: "", clientId: "early" },
      ],
      mayAct: "next",
    });
    const answer = await door.post(introspectPath, { token: "eyJ", token_type_hint: "refresh_token" }, basic);
    expect(answer.json).toEqual({
      active: true,
      iss: "https://id.example",
      sub: "prn_1",
      aud: "shop",
      client_id: "till",
      jti: "t",
      scope: "a b",
      token_type: "DPoP",
      iat: 1000,
      exp: 2000,
      cnf: { jkt: "thumb" },
      act: { sub: "prn_2", client_id: "late", act: { sub: "early", client_id: "early" } },
      may_act: { sub: "next" },
    });
    expect(door.requests()).toMatchObject([{ token: "eyJ", audience: "" }]);
    expect(door.seen[0]?.call.principal).toMatchObject({ client: "till" });
  });

  it("TOK-16 says active: false and nothing else, and why to whom the method tells it", async () => {
    expect((await door.post(introspectPath, { token: "x" }, basic)).body.toString()).toBe('{"active":false}');
    door.answers.set("Introspect", { active: false, reason: "TOKEN_EXPIRED" });
    expect((await door.post(introspectPath, { token: "x" }, basic)).json).toEqual({
      active: false,
      reason: "TOKEN_EXPIRED",
    });
  });

  it("takes a token of the caller's own instead of a client", async () => {
    const own = { authorization: "Bearer a-token" };
    expect((await door.post(introspectPath, { token: "x" }, own)).status).toBe(200);
    expect(door.seen[0]?.call.principal?.client).toBeUndefined();
    const dead = await door.post(introspectPath, { token: "x" }, { authorization: "Bearer dead" });
    expect(errorOf(dead)).toEqual([401, "invalid_token"]);
    expect(dead.headers["www-authenticate"]).toBe('Bearer realm="gatehouse", error="invalid_token"');
  });

  it.each<[string, Readonly<Record<string, string>>, OutgoingHttpHeaders, number, string]>([
    ["TOK-15 nobody", { token: "x" }, {}, 401, "invalid_client"],
    ["TOK-15 a client without a secret", { token: "x", client_id: "till" }, {}, 401, "invalid_client"],
    [
      "TOK-15 a client with a wrong secret",
      { token: "x", client_id: "till", client_secret: "y" },
      {},
      401,
      "invalid_client",
    ],
    ["TOK-15 an unreadable header", { token: "x" }, { authorization: "Basic !" }, 401, "invalid_client"],
    ["no token", {}, basic, 400, "invalid_request"],
    ["no token, before who calls is known", {}, {}, 401, "invalid_client"],
    [
      "token and client",
      { token: "x", client_id: "till", client_secret: "y" },
      { authorization: "Bearer a-token" },
      400,
      "invalid_request",
    ],
  ])("refuses %s", async (_, fields, headers, status, name) => {
    const answer = await door.post(introspectPath, fields, headers);
    expect(errorOf(answer)).toEqual([status, name]);
    if (status === 401) expect(answer.headers["www-authenticate"]).toMatch(/^Basic /);
    expect(door.seen).toEqual([]);
  });

  it.each([
    ["a wrong secret", `authorization: Basic ${Buffer.from("till:wrong").toString("base64")}`, 401],
    ["a dead token", "authorization: Bearer dead", 401],
    ["no form", `authorization: ${basic.authorization}`, 400],
  ])("tells who comes with %s before the body is read", async (_, header, status) => {
    const type = status === 400 ? "application/json" : form["content-type"];
    const head = `POST ${introspectPath} HTTP/1.1\r\nhost: x\r\n${header}\r\ncontent-type: ${type}\r\n`;
    const answer = await sendBytes(door, `${head}content-length: 60000\r\nconnection: close\r\n\r\n`);
    expect(answer).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `));
  });

  it("PWD-12 counts guesses at a client's secret by address, whatever client is named", async () => {
    const rates = { login: "off", tokenCheck: { count: 1, perMs: 60_000 }, read: "off", write: "off" } as const;
    // Its clock stands still, or a guess may come back while they are made.
    const now = new Date();
    const own = await openTestWebDoor({ clients, rates, clock: { now: () => now } });
    const guess = (i: number) =>
      ask(own, introspectPath, {
        method: "POST",
        headers: form,
        body: `token=x&client_id=c${i}&client_secret=guess`,
      });
    const statuses: number[] = [];
    for (let i = 0; i < 50; i += 1) statuses.push((await guess(i)).status);
    expect(statuses.at(-1)).toBe(429);
    expect((await guess(0)).json?.error).toBe("temporarily_unavailable");
    await own.close();
  });
});

describe("revocation (RFC 7009)", () => {
  it("TOK-13 answers 200 and nothing, whoever the client is that may call", async () => {
    for (const [fields, headers] of [
      [{ token: "x", token_type_hint: "access_token" }, basic],
      [{ token: "x", client_id: "till" }, {}],
      [{ token: "x" }, { authorization: "Bearer a-token" }],
    ] as const) {
      const answer = await door.post(revokePath, fields, headers);
      expect([answer.status, answer.body.length]).toEqual([200, 0]);
    }
    expect(door.seen.map(({ method, request }) => [method, request.token])).toEqual(Array(3).fill(["Revoke", "x"]));
  });

  it("TOK-12 wants to know who asks", async () => {
    expect(errorOf(await door.post(revokePath, { token: "x" }))).toEqual([401, "invalid_client"]);
    expect(errorOf(await door.post(revokePath, { token: "x", client_id: "nobody" }))).toEqual([401, "invalid_client"]);
    expect(errorOf(await door.post(revokePath, {}, basic))).toEqual([400, "invalid_request"]);
    expect(door.seen).toEqual([]);
  });
});

describe("every endpoint", () => {
  it.each([tokenPath, introspectPath, revokePath])("%s takes forms by POST and nothing else", async (path) => {
    const get = await ask(door, path);
    expect([get.status, get.headers.allow]).toEqual([405, "POST"]);
    const body = "token=x&grant_type=client_credentials";
    expect(errorOf(await door.post(`${path}?audience=x`, body, basic))).toEqual([400, "invalid_request"]);
    const json = await ask(door, path, {
      method: "POST",
      headers: { "content-type": "application/json", ...basic },
      body: "{}",
    });
    expect(errorOf(json)).toEqual([400, "invalid_request"]);
    expect(errorOf(await door.post(path, "token=x", { ...basic, "content-encoding": "gzip" }))).toEqual([
      415,
      "invalid_request",
    ]);
    expect(door.seen).toEqual([]);
  });

  it("RPC-06 reads 64 KiB of a form and no more", async () => {
    const long = await door.post(introspectPath, { token: "x".repeat(70_000) }, basic);
    expect(errorOf(long)).toEqual([413, "invalid_request"]);
    const endless = await sendBytes(
      door,
      `POST /oauth2/token HTTP/1.1\r\nhost: x\r\ncontent-type: ${form["content-type"]}\r\ntransfer-encoding: chunked\r\nconnection: close\r\n\r\n11000\r\n${"a".repeat(0x11000)}\r\n0\r\n\r\n`,
    );
    expect(endless).toMatch(/^HTTP\/1\.1 413 /);
  });

  it("RPC-05 waits for a form as long as for any request, and tells of it when it does not come", async () => {
    const own = await openTestWebDoor({ bounds: { ...usualBounds, requestMs: 50 } });
    const late = await sendBytes(
      own,
      `POST ${tokenPath} HTTP/1.1\r\nhost: x\r\ncontent-type: ${form["content-type"]}\r\ncontent-length: 100\r\n\r\ngrant_type=`,
    );
    expect(late).toMatch(/^HTTP\/1\.1 (408|504) /);
    await own.close();
  });

  it("speaks HTTP/2 as well", async () => {
    const session = sessionOf(door);
    const asked = { method: "POST", headers: { ...form, ...basic }, body: "token=x" };
    const answer = await askHttp2(session, introspectPath, asked);
    expect([answer.status, answer.json]).toEqual([200, { active: false }]);
    session.close();
  });

  it("J-06 is for pages of the listed origins, with the headers of DPoP", async () => {
    const own = await openTestWebDoor({ cors: { origins: new Set(["https://app.example"]), credentials: false } });
    const preflight = await ask(own, tokenPath, {
      method: "OPTIONS",
      headers: { origin: "https://app.example", "access-control-request-method": "POST" },
    });
    expect(preflight.headers["access-control-allow-methods"]).toBe("POST");
    expect(preflight.headers["access-control-allow-headers"]).toContain("dpop");
    const answer = await ask(own, tokenPath, { method: "POST", headers: { ...form, origin: "https://app.example" } });
    expect(answer.headers["access-control-expose-headers"]).toContain("dpop-nonce");
    await own.close();
  });
});

describe("the metadata (RFC 8414)", () => {
  const page = "/.well-known/oauth-authorization-server";

  it("TOK-20 says what is served, under the issuer as it was configured", async () => {
    const answer = await ask(door, page);
    expect(answer.json).toMatchObject({
      issuer: "https://id.example",
      jwks_uri: "https://id.example/.well-known/jwks.json",
      token_endpoint: "https://id.example/oauth2/token",
      introspection_endpoint: "https://id.example/oauth2/introspect",
      revocation_endpoint: "https://id.example/oauth2/revoke",
      grant_types_supported: ["client_credentials", "refresh_token", exchangeGrant],
      response_types_supported: [],
      dpop_signing_alg_values_supported: ["ES256", "EdDSA", "RS256", "PS256"],
      tls_client_certificate_bound_access_tokens: false,
      token_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
      introspection_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post"],
      revocation_endpoint_auth_methods_supported: ["client_secret_basic", "client_secret_post", "none"],
    });
    expect(answer.headers).toMatchObject({
      "content-type": "application/json",
      "cache-control": "public, max-age=300",
      "access-control-allow-origin": "*",
    });
    for (const endpoint of ["token_endpoint", "introspection_endpoint", "revocation_endpoint"]) {
      const { pathname } = new URL(String(answer.json?.[endpoint]));
      expect((await ask(door, pathname, { method: "POST" })).status).not.toBe(404);
    }
  });

  it("TOK-20 lies where RFC 8414 puts it for an issuer with a path, and names another place of the endpoints", async () => {
    const oauth = { issuer: "https://id.example/security/", url: "https://api.example/gatehouse", certificates: true };
    const own = await openTestWebDoor({ oauth, clients, script: { "TokenService/Introspect": () => ({}) } });
    for (const path of [`${page}/security`, page])
      expect((await ask(own, path)).json).toMatchObject({
        issuer: "https://id.example/security/",
        token_endpoint: "https://api.example/gatehouse/oauth2/token",
        tls_client_certificate_bound_access_tokens: true,
      });
    await own.close();
  });
});
