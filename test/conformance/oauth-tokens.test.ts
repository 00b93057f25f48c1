// What the token endpoint takes, gives and refuses, as a client that speaks plain OAuth sees it on the wire.
import type { OutgoingHttpHeaders } from "node:http";
import { TokenKind } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Presentation } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { GatehouseError, type Reason } from "../../src/kernel/errors.ts";
import { basic, errorOf, exchangeGrant, inAnHour, type OAuthDoor, openOAuthDoor, tokenPath } from "./oauth-door.ts";

const accessType = "urn:ietf:params:oauth:token-type:access_token";

let door: OAuthDoor;
beforeAll(async () => {
  door = await openOAuthDoor();
});
afterEach(() => door.clear());
afterAll(() => door.close());

describe("the token endpoint", () => {
  const issued = { accessToken: "eyJ.a.b", scopes: ["a", "b"], audience: "shop" };

  it("gives a client a token of its own (RFC 6749 section 4.4), whichever way it shows itself", async () => {
    door.answers.set("IssueToken", {
      issued: { ...issued, accessTokenExpireTime: inAnHour(), presentation: Presentation.BEARER },
    });
    const asked = { grant_type: "client_credentials", scope: "a b", audience: "shop" };
    const inForm = { ...asked, client_id: "till", client_secret: "right-secret" };
    for (const answer of [await door.post(tokenPath, asked, basic), await door.post(tokenPath, inForm)]) {
      expect(answer.status).toBe(200);
      expect(answer.json).toEqual({
        access_token: "eyJ.a.b",
        token_type: "Bearer",
        expires_in: expect.closeTo(3600, -1),
        scope: "a b",
      });
      expect(answer.headers).toMatchObject({
        "content-type": "application/json",
        "cache-control": "no-store",
        pragma: "no-cache",
      });
    }
    const credential = { case: "client", value: { clientId: "till", clientSecret: "right-secret" } };
    expect(door.requests()).toMatchObject(
      Array.from({ length: 2 }, () => ({ method: "IssueToken", credential, audience: "shop", scopes: ["a", "b"] })),
    );
  });

  it("hands proof and place of the request to the method, and says what the token is presented as (RFC 9449)", async () => {
    door.answers.set("IssueToken", {
      issued: { ...issued, accessTokenExpireTime: inAnHour(), presentation: Presentation.DPOP },
    });
    const answer = await door.post(tokenPath, { grant_type: "client_credentials" }, { ...basic, dpop: "proof" });
    expect(answer.json?.token_type).toBe("DPoP");
    expect(door.seen[0]?.call.possession).toMatchObject({ httpMethod: "POST", path: tokenPath, proofs: ["proof"] });
  });

  it("refreshes, also for a client without a secret", async () => {
    door.answers.set("Refresh", {
      tokens: { accessToken: "eyJ", refreshToken: "ghr_new", scopes: ["*"], accessTokenExpireTime: inAnHour() },
    });
    const fields = { grant_type: "refresh_token", refresh_token: "ghr_old", client_id: "spa", scope: "a" };
    expect((await door.post(tokenPath, fields)).json).toEqual({
      access_token: "eyJ",
      token_type: "Bearer",
      expires_in: expect.closeTo(3600, -1),
      refresh_token: "ghr_new",
      scope: "*",
    });
    expect(door.requests()).toMatchObject([
      { method: "Refresh", refreshToken: "ghr_old", clientId: "spa", clientSecret: "", scopes: ["a"] },
    ]);
  });

  it("TOK-17 exchanges (RFC 8693), and asks for the subject's token and its type", async () => {
    door.answers.set("ExchangeToken", { issued: { ...issued, accessTokenExpireTime: inAnHour() } });
    const subject = { subject_token: "eyJ.s", subject_token_type: accessType };
    const fields = { grant_type: exchangeGrant, ...subject, resource: "https://shop.example", scope: "a" };
    const answer = await door.post(tokenPath, { ...fields, requested_token_type: accessType }, basic);
    expect(answer.json).toMatchObject({ issued_token_type: accessType, token_type: "Bearer" });
    expect(door.requests()).toMatchObject([
      {
        method: "ExchangeToken",
        client: { clientId: "till", clientSecret: "right-secret" },
        subjectToken: "eyJ.s",
        subjectTokenKind: TokenKind.ACCESS,
        actorToken: "",
        actorTokenKind: TokenKind.UNSPECIFIED,
        audience: "https://shop.example",
        scopes: ["a"],
      },
    ]);
    const { subject_token: _one, ...untold } = fields;
    const { subject_token_type: _other, ...untyped } = fields;
    const saml = "urn:ietf:params:oauth:token-type:saml2";
    for (const wrong of [
      untold,
      untyped,
      { ...fields, subject_token_type: saml },
      { ...fields, requested_token_type: saml },
      { ...fields, actor_token: "x", actor_token_type: saml },
    ])
      expect(errorOf(await door.post(tokenPath, wrong, basic))).toEqual([400, "invalid_request"]);
    expect(door.seen).toHaveLength(1);
  });

  const credentials = { grant_type: "client_credentials" };
  it.each<[string, Readonly<Record<string, string>> | string, OutgoingHttpHeaders, number, string]>([
    ["no grant type", {}, basic, 400, "invalid_request"],
    ["a grant type that is not served", { grant_type: "password" }, basic, 400, "unsupported_grant_type"],
    ["a grant type of JavaScript's", { grant_type: "constructor" }, basic, 400, "unsupported_grant_type"],
    ["a parameter twice", "grant_type=client_credentials&grant_type=client_credentials", basic, 400, "invalid_request"],
    [
      "a secret in header and form",
      { ...credentials, client_id: "till", client_secret: "x" },
      basic,
      400,
      "invalid_request",
    ],
    ["two clients", { ...credentials, client_id: "safe" }, basic, 400, "invalid_request"],
    ["no client", credentials, {}, 401, "invalid_client"],
    ["a client without its secret", { ...credentials, client_id: "till" }, {}, 401, "invalid_client"],
    ["a header that names no client", credentials, { authorization: "Basic x" }, 401, "invalid_client"],
    ["a token instead of a client", credentials, { authorization: "Bearer a-token" }, 401, "invalid_client"],
    ["scopes with two spaces between", { ...credentials, scope: "a  b" }, basic, 400, "invalid_scope"],
    ["a scope that is none", { ...credentials, scope: 'a"b' }, basic, 400, "invalid_scope"],
    ["too many scopes", { ...credentials, scope: Array(65).fill("a").join(" ") }, basic, 400, "invalid_scope"],
    [
      "audience and resource that differ",
      { ...credentials, audience: "a", resource: "b" },
      basic,
      400,
      "invalid_target",
    ],
    ["a refresh without its token", { grant_type: "refresh_token", client_id: "spa" }, {}, 400, "invalid_request"],
    [
      "a refresh for another audience",
      { grant_type: "refresh_token", client_id: "spa", refresh_token: "x", resource: "https://shop.example" },
      {},
      400,
      "invalid_target",
    ],
  ])("%s is refused as RFC 6749 has it", async (_, fields, headers, status, name) => {
    const before = door.recorder.drafts.length;
    const answer = await door.post(tokenPath, fields, headers);
    expect(errorOf(answer)).toEqual([status, name]);
    expect(answer.headers["cache-control"]).toBe("no-store");
    if (status === 401) expect(answer.headers["www-authenticate"]).toMatch(/^Basic /);
    else expect(answer.headers["www-authenticate"]).toBeUndefined();
    expect(door.seen).toEqual([]);
    // Like every refusal.
    expect(door.recorder.drafts).toHaveLength(before + 1);
  });

  it.each<[Reason, number, string]>([
    ["CLIENT_INVALID", 401, "invalid_client"],
    ["CLIENT_NOT_ALLOWED", 400, "unauthorized_client"],
    ["SCOPE_EXCEEDS_GRANT", 400, "invalid_scope"],
    ["AUDIENCE_UNKNOWN", 400, "invalid_target"],
    ["REFRESH_TOKEN_INVALID", 400, "invalid_grant"],
    ["SUBJECT_TOKEN_INVALID", 400, "invalid_request"],
    ["ACTOR_TOKEN_INVALID", 400, "invalid_request"],
    ["ACTOR_NOT_ALLOWED", 400, "invalid_request"],
    ["ACTOR_CHAIN_TOO_LONG", 400, "invalid_request"],
    ["PROOF_REQUIRED", 400, "invalid_request"],
    ["PROOF_INVALID", 400, "invalid_dpop_proof"],
    ["PROOF_NONCE_REQUIRED", 400, "use_dpop_nonce"],
    ["DATABASE_UNAVAILABLE", 503, "temporarily_unavailable"],
    ["KEYS_UNAVAILABLE", 503, "temporarily_unavailable"],
    ["DEADLINE_EXCEEDED", 504, "temporarily_unavailable"],
    ["INTERNAL", 500, "server_error"],
  ])("%s of the method is told as %s %s", async (reason, status, name) => {
    door.answers.set("IssueToken", new GatehouseError(reason));
    const answer = await door.post(tokenPath, credentials, basic);
    expect(errorOf(answer)).toEqual([status, name]);
    expect(answer.json).toMatchObject({
      reason,
      code: expect.stringMatching(/^SEC-[A-Z]+-\d{3}$/),
      error_id: expect.stringMatching(/^[0-9a-f-]{36}$/),
      error_description: expect.stringMatching(/^[\x20-\x21\x23-\x5b\x5d-\x7e]+$/),
    });
    if (status === 503) expect(Number(answer.headers["retry-after"])).toBeGreaterThan(0);
    // Clients look there first, and read no body when they find it.
    expect(answer.headers["www-authenticate"] === undefined).toBe(status !== 401);
  });

  it("gives the nonce of DPoP in the header where its clients look (RFC 9449 section 8)", async () => {
    door.answers.set("IssueToken", new GatehouseError("PROOF_NONCE_REQUIRED", { metadata: { dpop_nonce: "n-1" } }));
    const answer = await door.post(tokenPath, credentials, basic);
    expect([...errorOf(answer), answer.headers["dpop-nonce"]]).toEqual([400, "use_dpop_nonce", "n-1"]);
  });

  it("RPC-09 says nothing of what went wrong inside, and echoes nothing", async () => {
    door.answers.set("IssueToken", new Error("select * from canary"));
    const answer = await door.post(
      tokenPath,
      { ...credentials, scope: "canary-scope", audience: "canary-audience" },
      basic,
    );
    expect(errorOf(answer)).toEqual([500, "server_error"]);
    expect(answer.body.toString()).not.toContain("canary");
    const unknown = await door.post(tokenPath, { grant_type: "canary-grant", "canary name": "canary value" }, basic);
    expect(unknown.body.toString()).not.toContain("canary");
  });
});
