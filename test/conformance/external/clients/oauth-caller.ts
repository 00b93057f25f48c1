// Off-the-shelf OAuth clients in a process of their own: openid-client, oauth4webapi and jose, which know the issuer's URL and what an
// administrator gave them, and nothing of Gatehouse. The first argument names the scenario, the second is its JSON; the answer is JSON.
import { randomUUID } from "node:crypto";
import { createRemoteJWKSet, exportJWK, jwtVerify, SignJWT } from "jose";
import * as oauth from "oauth4webapi";
import * as client from "openid-client";

export interface Given {
  readonly issuer: string;
  readonly clientId: string;
  readonly clientSecret?: string;
  /** For the scenarios that bring a token. */
  readonly token?: string;
  readonly refreshToken?: string;
  readonly audience?: string;
  /** For a login, which is AuthService's own. */
  readonly loginName?: string;
  readonly password?: string;
}

async function configured({ issuer, clientId, clientSecret }: Given) {
  const how = clientSecret === undefined ? client.None() : client.ClientSecretBasic(clientSecret);
  return await client.discovery(new URL(issuer), clientId, undefined, how, { algorithm: "oauth2" });
}

/** openid-client: gets a token of its own, asks about it, ends it, asks again. */
async function ownToken(given: Given) {
  const config = await configured(given);
  const issued = await client.clientCredentialsGrant(config, { scope: "token.introspect" });
  const live = await client.tokenIntrospection(config, issued.access_token);
  await client.tokenRevocation(config, issued.access_token);
  const dead = await client.tokenIntrospection(config, issued.access_token);
  const garbage = await client.tokenIntrospection(config, "garbage");
  return { issued, live, dead, garbage };
}

/** openid-client: renews a person's session, ends it by its refresh token, tries once more. */
async function session(given: Given) {
  const config = await configured(given);
  const renewed = await client.refreshTokenGrant(config, given.refreshToken ?? "");
  await client.tokenRevocation(config, renewed.refresh_token ?? "", { token_type_hint: "refresh_token" });
  const again = await client.refreshTokenGrant(config, renewed.refresh_token ?? "").catch(refusal);
  return { renewed, again };
}

/** jose and openid-client: logs a person in with a proof of its key, which is no OAuth, then renews the session with that key. */
async function boundSession(given: Given) {
  const config = await configured(given);
  const keys = await client.randomDPoPKeyPair("ES256", { extractable: true });
  const jwk = await exportJWK(keys.publicKey);
  const at = (method: string) => new URL(`/gatehouse.auth.v1.AuthService/${method}`, given.issuer);
  const headers = { "content-type": "application/json" };
  const { loginName, password, clientId } = given;
  async function logIn(nonce?: string): Promise<Response> {
    const claims = { jti: randomUUID(), htm: "POST", htu: at("Login").href, ...(nonce === undefined ? {} : { nonce }) };
    const proof = new SignJWT(claims).setIssuedAt().setProtectedHeader({ alg: "ES256", typ: "dpop+jwt", jwk });
    const dpop = await proof.sign(keys.privateKey);
    const body = JSON.stringify({ loginName, password, clientId });
    return await fetch(at("Login"), { method: "POST", headers: { ...headers, dpop }, body });
  }
  const first = await logIn();
  const answer = first.ok ? first : await logIn(first.headers.get("dpop-nonce") ?? "");
  const { tokens } = (await answer.json()) as { readonly tokens: { readonly refreshToken: string } };
  const DPoP = client.getDPoPHandle(config, keys);
  const renewed = await client.refreshTokenGrant(config, tokens.refreshToken, undefined, { DPoP });
  const whoAmI = [renewed.access_token, at("WhoAmI"), "POST", "{}", new Headers(headers), { DPoP }] as const;
  const me = await client.fetchProtectedResource(config, ...whoAmI);
  const bare = await client.refreshTokenGrant(config, renewed.refresh_token ?? "").catch(refusal);
  return { opened: tokens, renewed, me: await me.json(), bare };
}

async function server({ issuer }: Given): Promise<oauth.AuthorizationServer> {
  const url = new URL(issuer);
  return await oauth.processDiscoveryResponse(url, await oauth.discoveryRequest(url, { algorithm: "oauth2" }));
}

/** oauth4webapi: the secret in the form, a token bound to a key, which is checked as RFC 9068 and RFC 9449 have it. */
async function bound(given: Given) {
  const as = await server(given);
  const me: oauth.Client = { client_id: given.clientId };
  const keys = await oauth.generateKeyPair("ES256");
  const DPoP = oauth.DPoP(me, keys);
  const secret = oauth.ClientSecretPost(given.clientSecret ?? "");
  const ask = () => oauth.clientCredentialsGrantRequest(as, me, secret, new URLSearchParams(), { DPoP });
  const issued = await oauth.processClientCredentialsResponse(as, me, await ask()).catch(async (thrown: unknown) => {
    if (!oauth.isDPoPNonceError(thrown)) throw thrown;
    return await oauth.processClientCredentialsResponse(as, me, await ask());
  });
  const resource = new URL("/gatehouse.auth.v1.AuthService/WhoAmI", given.issuer);
  const headers = new Headers({ "content-type": "application/json" });
  const answer = await oauth.protectedResourceRequest(issued.access_token, "POST", resource, headers, "{}", { DPoP });
  const plain = await fetch(resource, {
    method: "POST",
    body: "{}",
    headers: { "content-type": "application/json", authorization: `Bearer ${issued.access_token}` },
  });
  const introspection = await oauth.introspectionRequest(as, me, secret, issued.access_token);
  const live = await oauth.processIntrospectionResponse(as, me, introspection);
  return { issued, me: await answer.json(), plain: plain.status, live };
}

/** oauth4webapi: a token that it was handed for one of another audience (RFC 8693). */
async function exchanged(given: Given) {
  const as = await server(given);
  const me: oauth.Client = { client_id: given.clientId };
  const how = oauth.ClientSecretBasic(given.clientSecret ?? "");
  const type = "urn:ietf:params:oauth:token-type:access_token";
  const parameters = {
    subject_token: given.token ?? "",
    subject_token_type: type,
    ...(given.audience === undefined ? {} : { audience: given.audience }),
  };
  const grant = "urn:ietf:params:oauth:grant-type:token-exchange";
  const response = await oauth.genericTokenEndpointRequest(as, me, how, grant, parameters);
  return await oauth.processGenericTokenEndpointResponse(as, me, response);
}

/** jose and oauth4webapi: whether a token is good, from nothing but the issuer's URL. */
async function verified(given: Given) {
  const as = await server(given);
  const keys = createRemoteJWKSet(new URL(as.jwks_uri ?? ""), { timeoutDuration: 60_000 });
  const { token = "", issuer, audience = "" } = given;
  const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: "at+jwt", algorithms: ["ES256"] });
  const request = new Request("https://resource.example", { headers: { authorization: `Bearer ${token}` } });
  const profile = await oauth.validateJwtAccessToken(as, request, audience, { signingAlgorithms: ["ES256"] });
  return { payload, profile };
}

function refusal(thrown: unknown) {
  const { error, status, error_description, message, code } = thrown as Readonly<Record<string, unknown>>;
  return { error, status, error_description, message, code };
}

const scenarios: Readonly<Record<string, (given: Given) => Promise<unknown>>> = {
  ownToken,
  session,
  bound,
  boundSession,
  exchanged,
  verified,
};

const [, , name = "", given = "{}"] = process.argv;
const scenario = scenarios[name];
if (scenario === undefined) throw new Error("no such scenario");
const answer = await scenario(JSON.parse(given) as Given).catch((thrown: unknown) => ({ refused: refusal(thrown) }));
process.stdout.write(JSON.stringify(answer));
