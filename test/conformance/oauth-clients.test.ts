// Whether OAuth clients that we did not write get along with the real command over TLS, in processes of their own that are told the
// issuer's URL and their credentials.
import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { SenderConstraint } from "@gatehouse/proto/gatehouse/auth/v1/client_service_pb.js";
import { decodeJwt } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatehouse, type Gatehouse } from "../../clients/typescript/src/index.ts";
import { freePort } from "../../tools/free-port.ts";
import { type CertificateFiles, certificateFiles, makeAuthority, makeLeaf } from "../fixtures/certificates.ts";
import type { GatehouseProcess } from "../integration/server/gatehouse-process.ts";
import {
  administratorAccount,
  bootstrap,
  type Installation,
  makeInstallation,
  type Person,
  patient,
} from "../integration/server/installation.ts";
import type { Given } from "./external/clients/oauth-caller.ts";

const caller = fileURLToPath(new URL("./external/clients/oauth-caller.ts", import.meta.url));
const run = promisify(execFile);

type Json = { readonly [name: string]: Json } & { readonly access_token: string; readonly refresh_token: string };

interface Shown {
  readonly clientId: string;
  readonly clientSecret: string;
}

describe("off-the-shelf OAuth clients", () => {
  let files: CertificateFiles;
  let installation: Installation;
  let server: GatehouseProcess;
  let issuer: string;
  let authority: string;
  let caFile: string;
  let root: Person;
  let admin: Gatehouse;
  let account: string;
  const open: Gatehouse[] = [];

  function connect(token?: string): Gatehouse {
    const credentials = token === undefined ? {} : { credentials: token };
    const client = createGatehouse({
      address: server.address,
      tls: { ca: authority },
      ...patient,
      ...credentials,
    });
    open.push(client);
    return client;
  }

  beforeAll(async () => {
    files = await certificateFiles();
    const made = await makeAuthority();
    const leaf = await makeLeaf(made, { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] });
    authority = made.pem;
    caFile = await files.write("ca.pem", authority);
    const port = await freePort();
    issuer = `https://localhost:${port}`;
    installation = await makeInstallation({
      GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", leaf.pem),
      GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", leaf.key),
      GATEHOUSE_WEB_LISTEN: `127.0.0.1:${port}`,
      GATEHOUSE_DPOP_NONCE: "required",
      GATEHOUSE_LOG_LEVEL: "debug",
      JWT_ISSUER: issuer,
    });
    server = await installation.start();
    root = await bootstrap(installation.dataDir, connect());
    admin = connect(root.tokens.accessToken);
    const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ displayName: "till" });
    account = serviceAccount?.principalId ?? "";
  });
  afterAll(async () => {
    for (const client of open) client.close();
    await installation[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
  });

  async function makeClient(clientId: string, settings: object, confidential = true): Promise<Shown> {
    const common = { audiences: ["gatehouse"], scopes: ["*"] };
    await admin.clients.createClient({ clientId, confidential, settings: { ...common, ...settings } });
    if (!confidential) return { clientId, clientSecret: "" };
    const { secret: clientSecret } = await admin.clients.createClientSecret({ clientId });
    return { clientId, clientSecret };
  }

  async function logIn(shown: Shown) {
    const { loginName, password } = administratorAccount;
    const { outcome } = await connect().auth.login({ loginName, password, ...shown });
    if (outcome.case !== "tokens") throw new TypeError("no tokens");
    return outcome.value;
  }

  /** What the client in its own process makes of it. */
  async function call(scenario: string, given: Omit<Given, "issuer">): Promise<Json> {
    const env = { PATH: process.env.PATH ?? "", NODE_EXTRA_CA_CERTS: caFile };
    const { stdout } = await run(process.execPath, [caller, scenario, JSON.stringify({ issuer, ...given })], { env });
    return JSON.parse(stdout) as Json;
  }

  it("M-09 openid-client gets a token, asks about it, and ends it", async () => {
    const till = await makeClient("till", { serviceAccountId: account });
    const { issued, live, dead, garbage } = await call("ownToken", till);
    expect(issued).toMatchObject({ token_type: "bearer", scope: "token.introspect" });
    expect(live).toMatchObject({
      active: true,
      iss: issuer,
      sub: account,
      aud: "gatehouse",
      client_id: "till",
      scope: "token.introspect",
      token_type: "Bearer",
    });
    expect([dead, garbage]).toEqual([{ active: false }, { active: false }]);
    const token = String(issued?.access_token);
    await expect(connect(token).auth.whoAmI({})).rejects.toMatchObject({ reason: "CREDENTIAL_INVALID" });
  });

  it("JWT-20 jose in another process verifies a token from the JWKS that the metadata names (RFC 8414, RFC 9068)", async () => {
    const shop = await makeClient("shop", { serviceAccountId: account, audiences: ["shop"], scopes: ["secrets.read"] });
    const credential = { case: "client" as const, value: shop };
    const { issued } = await connect().tokens.issueToken({ credential });
    const { payload, profile } = await call("verified", {
      clientId: "",
      token: issued?.accessToken ?? "",
      audience: "shop",
    });
    expect(payload).toMatchObject({ iss: issuer, sub: account, aud: "shop", client_id: "shop", scope: "secrets.read" });
    expect(profile).toEqual(payload);
  });

  it("TOK-05 TOK-14 openid-client renews a session of its own, with and without a secret, and ends it", async () => {
    const clients = [await makeClient("portal", { logins: true }), await makeClient("spa", { logins: true }, false)];
    for (const shown of clients) {
      const { refreshToken } = await logIn(shown);
      const { clientId, clientSecret } = shown;
      const given = { clientId, refreshToken, ...(clientSecret === "" ? {} : { clientSecret }) };
      const { renewed, again } = await call("session", given);
      expect(renewed).toMatchObject({ token_type: "bearer", scope: "*" });
      expect(again).toMatchObject({ error: "invalid_grant", status: 400 });
      const token = String(renewed?.access_token);
      await expect(connect(token).auth.whoAmI({})).rejects.toMatchObject({ reason: "CREDENTIAL_INVALID" });
    }
    const [portal, spa] = clients as [Shown, Shown];
    const { accessToken, refreshToken } = await logIn(portal);
    // Another's refresh token is worth nothing, and is not used up by the attempt; nor is it the other's to end.
    const stolen = await call("session", { clientId: spa.clientId, refreshToken });
    expect(stolen).toMatchObject({ refused: { error: "invalid_grant" } });
    expect(await connect(accessToken).auth.whoAmI({})).toMatchObject({ clientId: "portal" });
    expect(await call("session", { ...portal, refreshToken })).toMatchObject({ again: { error: "invalid_grant" } });
  });

  it("TOK-24 oauth4webapi gets a token that is bound to its key, nonce and all, and worth nothing without it (RFC 9449)", async () => {
    const client = await makeClient("bound", { serviceAccountId: account });
    const { issued, me, plain, live, refused } = await call("bound", client);
    expect(refused).toBeUndefined();
    expect(issued).toMatchObject({ token_type: "dpop" });
    expect(me).toMatchObject({ principalId: account, clientId: "bound" });
    expect(plain).toBe(401);
    const { cnf } = decodeJwt(String(issued?.access_token)) as { cnf?: { jkt?: string } };
    expect(live).toMatchObject({ active: true, token_type: "DPoP", cnf: { jkt: cnf?.jkt } });
  });

  it("TOK-24 openid-client renews a session of a public client whose tokens are bound to its key", async () => {
    const settings = { logins: true, senderConstraint: SenderConstraint.DPOP };
    const { clientId } = await makeClient("pocket", settings, false);
    const { opened, renewed, me, bare } = await call("boundSession", { clientId, ...administratorAccount });
    expect(opened).toMatchObject({ presentation: "PRESENTATION_DPOP" });
    expect(renewed).toMatchObject({ token_type: "dpop", scope: "*" });
    expect(me).toMatchObject({ principalId: root.principalId, clientId: "pocket" });
    expect(bare).toMatchObject({ status: 400, error: "invalid_grant" });
  });

  it("TOK-18 TOK-19 oauth4webapi exchanges what it was handed for less, never for more (RFC 8693)", async () => {
    const shop = await makeClient("storefront", { logins: true, audiences: ["storefront"], scopes: ["secrets.read"] });
    const { accessToken } = await logIn(shop);
    const agent = await makeClient("agent", { exchange: true, audiences: ["gatehouse", "storefront"] });
    const answer = await call("exchanged", { ...agent, token: accessToken, audience: "gatehouse" });
    expect(answer).toMatchObject({
      token_type: "bearer",
      scope: "secrets.read",
      issued_token_type: "urn:ietf:params:oauth:token-type:access_token",
    });
    expect(decodeJwt(answer.access_token)).toMatchObject({ sub: root.principalId, act: { client_id: "agent" } });
    const foreign = await call("exchanged", { ...agent, token: accessToken, audience: "elsewhere" });
    expect(foreign).toMatchObject({ refused: { error: "invalid_target", status: 400 } });
    const dead = await call("exchanged", { ...agent, token: "garbage" });
    expect(dead).toMatchObject({ refused: { error: "invalid_request", status: 400 } });
    const notAllowed = await call("exchanged", { ...shop, token: accessToken });
    expect(notAllowed).toMatchObject({ refused: { error: "unauthorized_client", status: 400 } });
  });

  it("TOK-12 TOK-16 a client learns nothing of tokens that are not its own, and ends none of them", async () => {
    const nosy = await makeClient("nosy", { logins: true });
    const answer = await fetchForm("/oauth2/introspect", { token: root.tokens.accessToken, ...asForm(nosy) });
    expect(answer).toEqual([200, '{"active":false}']);
    expect(await fetchForm("/oauth2/revoke", { token: root.tokens.accessToken, ...asForm(nosy) })).toEqual([200, ""]);
    expect(await admin.auth.whoAmI({})).toMatchObject({ principalId: root.principalId });
    // Its own it may ask about, though it acts as nobody.
    const { accessToken } = await logIn(nosy);
    const [, own] = await fetchForm("/oauth2/introspect", { token: accessToken, ...asForm(nosy) });
    expect(JSON.parse(own)).toMatchObject({ active: true, client_id: "nosy" });
  });

  it("is on record as who it was, and secrets are in no line", async () => {
    const { events } = await admin.audit.queryEvents({ pageSize: 200 });
    const revoked = events
      .filter(({ event }) => event === "token.revoked")
      .map(({ actorKind, actorId, details }) => [details?.client, actorKind, actorId]);
    expect(revoked).toEqual(
      expect.arrayContaining([
        ["till", "service_account", account],
        ...["portal", "spa", "nosy"].map((id) => [id, "anonymous", ""]),
      ]),
    );
    const { stdout, stderr } = server.output();
    expect(stdout + stderr).toContain('"protocol":"oauth"');
    expect(stdout + stderr).not.toMatch(/gh[a-z]_[0-9A-Za-z]|eyJ/);
  });

  const asForm = ({ clientId, clientSecret }: Shown) => ({ client_id: clientId, client_secret: clientSecret });

  async function fetchForm(path: string, fields: Readonly<Record<string, string>>): Promise<readonly [number, string]> {
    const { request } = await import("node:https");
    return new Promise((resolve, reject) => {
      const headers = { "content-type": "application/x-www-form-urlencoded" };
      const call = request(`${issuer}${path}`, { method: "POST", ca: authority, headers }, (answer) => {
        let text = "";
        answer.setEncoding("utf8").on("data", (chunk: string) => {
          text += chunk;
        });
        answer.on("end", () => resolve([answer.statusCode ?? 0, text]));
      });
      call.on("error", reject);
      call.end(new URLSearchParams(fields).toString());
    });
  }
});
