// Tokens for machines with the real command: asked for by secret, key and certificate, exchanged, bound to a key and to a
// certificate, and dead with what they were given for. Proofs are made by jose, encrypted tokens read by it.
import { compactDecrypt, createLocalJWKSet, decodeJwt, exportJWK, generateKeyPair, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createGatehouse, type Gatehouse } from "../../../clients/typescript/src/index.ts";
import {
  type Authority,
  type CertificateFiles,
  certificateFiles,
  type Leaf,
  makeAuthority,
  makeLeaf,
} from "../../fixtures/certificates.ts";
import { makeProver } from "../../fixtures/dpop.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import {
  administratorAccount,
  bootstrap,
  type Installation,
  makeInstallation,
  type Person,
  patient,
} from "./installation.ts";

const spiffeId = "spiffe://prod.example/shop/cart";
const issuePath = "/gatehouse.token.v1.TokenService/IssueToken";
const whoAmIPath = "/gatehouse.auth.v1.AuthService/WhoAmI";
const access = 1;

describe("tokens for machines", () => {
  let files: CertificateFiles;
  let authority: Authority;
  let leaf: Leaf;
  let installation: Installation;
  let server: GatehouseProcess;
  let root: Person;
  let admin: Gatehouse;
  let cart: string;
  const open: Gatehouse[] = [];

  function connect({ shown, token }: { readonly shown?: Leaf; readonly token?: string } = {}): Gatehouse {
    const client = createGatehouse({
      address: server.address,
      tls: { ca: authority.pem, ...(shown === undefined ? {} : { cert: shown.pem, key: shown.key }) },
      ...patient,
      ...(token === undefined ? {} : { credentials: token }),
    });
    open.push(client);
    return client;
  }

  const reasonOf = (work: Promise<unknown>): Promise<unknown> =>
    work.then(
      () => "answered",
      (error: { reason?: string }) => error.reason,
    );
  const whoIs = (token: string, shown?: Leaf) =>
    reasonOf(connect({ token, ...(shown === undefined ? {} : { shown }) }).auth.whoAmI({}));

  beforeAll(async () => {
    files = await certificateFiles();
    authority = await makeAuthority();
    leaf = await makeLeaf(authority, { uris: [spiffeId] });
    const own = await makeLeaf(authority, { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] });
    installation = await makeInstallation({
      GATEHOUSE_TLS_CERT_FILE: await files.write("server.pem", own.pem),
      GATEHOUSE_TLS_KEY_FILE: await files.write("server.key", own.key),
      GATEHOUSE_TLS_CLIENT_AUTH: "optional",
      GATEHOUSE_TLS_CLIENT_CA_FILE: await files.write("ca.pem", authority.pem),
      GATEHOUSE_DPOP_ORIGINS: "https://gatehouse.test",
    });
    server = await installation.start();
    root = await bootstrap(installation.dataDir, connect());
    admin = connect({ token: root.tokens.accessToken });
    const { serviceAccount } = await admin.serviceAccounts.createServiceAccount({ displayName: "cart" });
    cart = serviceAccount?.principalId ?? "";
  });
  afterAll(async () => {
    for (const client of open) client.close();
    await installation[Symbol.asyncDispose]();
    await files[Symbol.asyncDispose]();
  });

  async function makeClient(clientId: string, settings: object) {
    const common = { audiences: ["gatehouse"], scopes: ["secrets.read"], serviceAccountId: cart };
    await admin.clients.createClient({ clientId, confidential: true, settings: { ...common, ...settings } });
    const { secret: clientSecret } = await admin.clients.createClientSecret({ clientId });
    return { clientId, clientSecret };
  }

  async function issuedTo(
    client: { clientId: string; clientSecret: string },
    more = {},
    from = connect(),
    headers = {},
  ) {
    const credential = { case: "client" as const, value: client };
    const { issued } = await from.tokens.issueToken({ credential, ...more }, { headers });
    if (issued === undefined) throw new TypeError("no token");
    return issued;
  }

  it("M-01 F-02 are given for a secret, verified by jose from the keys, and dead with the client", async () => {
    const till = await makeClient("till", {});
    const { accessToken, audience, scopes } = await issuedTo(till, { lifetime: { seconds: 120n } });
    const { keys } = await connect().tokens.getJwks({});
    const keySet = createLocalJWKSet({
      keys: keys.map(({ kty, crv, x, y, kid, alg }) => ({ kty, crv, x, y, kid, alg })),
    });
    const { payload } = await jwtVerify(accessToken, keySet, { audience: "gatehouse", typ: "at+jwt" });
    expect(payload).toMatchObject({ sub: cart, client_id: "till", scope: "secrets.read" });
    expect((payload.exp ?? 0) - (payload.iat ?? 0)).toBe(120);
    expect({ audience, scopes }).toEqual({ audience: "gatehouse", scopes: ["secrets.read"] });
    const me = await connect({ token: accessToken }).auth.whoAmI({});
    expect(me).toMatchObject({ principalId: cart, clientId: "till", sessionId: "" });
    await admin.clients.updateClient({ clientId: "till", settings: { disabled: true } });
    expect(await whoIs(accessToken)).toBe("CREDENTIAL_INVALID");
    expect(await reasonOf(issuedTo(till))).toBe("CLIENT_INVALID");
  });

  it("TOK-25 are given for an API key, and dead with it", async () => {
    const { apiKey, secret: key } = await admin.serviceAccounts.createApiKey({
      principalId: cart,
      displayName: "ci",
      scopes: ["audit.read"],
    });
    const ask = () => connect().tokens.issueToken({ credential: { case: "apiKey", value: key } });
    const { accessToken = "" } = (await ask()).issued ?? {};
    expect(decodeJwt(accessToken)).toMatchObject({ sub: cart, client_id: cart, scope: "audit.read" });
    expect(await whoIs(accessToken)).toBe("answered");
    await admin.serviceAccounts.revokeApiKey({ principalId: cart, apiKeyId: apiKey?.apiKeyId ?? "" });
    expect(await whoIs(accessToken)).toBe("CREDENTIAL_INVALID");
    expect(await reasonOf(ask())).toBe("CREDENTIAL_INVALID");
    expect(server.output().stdout + server.output().stderr).not.toContain(key);
  });

  it("NET-03 are given for the certificate of a workload, and to nobody whom it is not bound to", async () => {
    await admin.serviceAccounts.createWorkloadBinding({
      principalId: cart,
      workload: { case: "spiffeId", value: spiffeId },
    });
    const ask = (shown?: Leaf) =>
      connect(shown === undefined ? {} : { shown }).tokens.issueToken({
        credential: { case: "certificate", value: {} },
      });
    const { accessToken = "" } = (await ask(leaf)).issued ?? {};
    expect(await whoIs(accessToken)).toBe("answered");
    expect(await reasonOf(ask())).toBe("CREDENTIAL_INVALID");
    expect(await reasonOf(ask(await makeLeaf(authority, { uris: [`${spiffeId}/other`] })))).toBe("CREDENTIAL_INVALID");
  });

  it("TOK-18 TOK-19 a token for an application leads to Gatehouse through an exchange alone, and ends with its session", async () => {
    await admin.clients.createClient({
      clientId: "app",
      settings: { logins: true, audiences: ["app"], scopes: ["*"] },
    });
    const backend = await makeClient("backend", {
      exchange: true,
      audiences: ["app", "gatehouse"],
      serviceAccountId: "",
    });
    const { outcome } = await connect().auth.login({ ...administratorAccount, clientId: "app" });
    if (outcome.case !== "tokens") throw new TypeError("no tokens");
    const person = outcome.value;
    expect(await whoIs(person.accessToken)).toBe("CREDENTIAL_INVALID");
    const exchange = (more = {}) =>
      connect().tokens.exchangeToken({
        client: backend,
        subjectToken: person.accessToken,
        subjectTokenKind: access,
        audience: "gatehouse",
        ...more,
      });
    const { accessToken = "" } = (await exchange()).issued ?? {};
    const claims = decodeJwt(accessToken);
    expect(claims).toMatchObject({ sub: root.principalId, scope: "secrets.read", act: { sub: "backend" } });
    expect(claims.exp).toBeLessThanOrEqual(decodeJwt(person.accessToken).exp ?? 0);
    expect(await whoIs(accessToken)).toBe("answered");
    expect(await reasonOf(exchange({ scopes: ["audit.read"] }))).toBe("SCOPE_EXCEEDS_GRANT");
    expect(await reasonOf(exchange({ audience: "elsewhere" }))).toBe("AUDIENCE_UNKNOWN");
    const { actors } = await admin.tokens.introspect({ token: accessToken });
    expect(actors).toMatchObject([{ subject: "", clientId: "backend" }]);
    await admin.tokens.revoke({ token: person.refreshToken });
    expect(await whoIs(accessToken)).toBe("CREDENTIAL_INVALID");
    expect(await reasonOf(exchange())).toBe("SUBJECT_TOKEN_INVALID");
  });

  it("TOK-22 TOK-23 TOK-24 bound to a key work with a proof of it for each request, and in no other way", async () => {
    const safe = await makeClient("safe", { senderConstraint: 2 });
    const [prover, thief] = [await makeProver(), await makeProver()];
    expect(await reasonOf(issuedTo(safe))).toBe("PROOF_REQUIRED");
    const token = await issuedTo(safe, {}, connect(), { dpop: await prover.proof(issuePath) });
    expect(token.presentation).toBe(2);
    expect(decodeJwt(token.accessToken).cnf).toEqual({ jkt: prover.thumbprint });
    const call = (headers: Record<string, string>) => reasonOf(connect().auth.whoAmI({}, { headers }));
    const { accessToken } = token;
    const authorization = `DPoP ${accessToken}`;
    const proof = await prover.proof(whoAmIPath, { accessToken });
    expect(await call({ authorization, dpop: proof })).toBe("answered");
    expect(await call({ authorization, dpop: proof })).toBe("PROOF_INVALID");
    expect(await call({ authorization, dpop: await prover.proof(issuePath, { accessToken }) })).toBe("PROOF_INVALID");
    expect(await call({ authorization, dpop: await thief.proof(whoAmIPath, { accessToken }) })).toBe(
      "CREDENTIAL_INVALID",
    );
    expect(await call({ authorization })).toBe("PROOF_INVALID");
    expect(
      await call({ authorization: `Bearer ${accessToken}`, dpop: await prover.proof(whoAmIPath, { accessToken }) }),
    ).toBe("CREDENTIAL_INVALID");
    const { confirmation } = await admin.tokens.introspect({ token: accessToken });
    expect(confirmation?.keyThumbprint).toBe(prover.thumbprint);
    const free = await issuedTo(await makeClient("free", {}));
    expect(
      await call({
        authorization: `DPoP ${free.accessToken}`,
        dpop: await prover.proof(whoAmIPath, { accessToken: free.accessToken }),
      }),
    ).toBe("CREDENTIAL_INVALID");
  });

  it("TOK-21 bound to a certificate work on connections that show it, and on no other", async () => {
    const vault = await makeClient("strongroom", { senderConstraint: 3 });
    expect(await reasonOf(issuedTo(vault))).toBe("PROOF_REQUIRED");
    const { accessToken } = await issuedTo(vault, {}, connect({ shown: leaf }));
    expect(await whoIs(accessToken, leaf)).toBe("answered");
    expect(await whoIs(accessToken)).toBe("CREDENTIAL_INVALID");
    expect(await whoIs(accessToken, await makeLeaf(authority, { uris: [spiffeId] }))).toBe("CREDENTIAL_INVALID");
    const { confirmation } = await admin.tokens.introspect({ token: accessToken });
    expect(confirmation?.certificateThumbprint).toBe(
      (decodeJwt(accessToken).cnf as Record<string, string>)["x5t#S256"],
    );
  });

  it("J-10 for an audience with a key of its own are read by nobody else", async () => {
    const { publicKey, privateKey } = await generateKeyPair("RSA-OAEP-256", { modulusLength: 2048 });
    const { kty = "", n = "", e = "" } = await exportJWK(publicKey);
    const sealed = await makeClient("sealed", {
      audiences: ["ledger"],
      encryptionKey: { kty, n, e, alg: "RSA-OAEP-256" },
    });
    const { accessToken } = await issuedTo(sealed);
    const { plaintext, protectedHeader } = await compactDecrypt(accessToken, privateKey);
    expect(protectedHeader).toMatchObject({ alg: "RSA-OAEP-256", enc: "A256GCM", cty: "JWT" });
    const inner = Buffer.from(plaintext).toString();
    expect(decodeJwt(inner)).toMatchObject({ sub: cart, aud: "ledger" });
    expect((await admin.tokens.introspect({ token: inner })).active).toBe(true);
    expect((await admin.tokens.introspect({ token: accessToken })).active).toBe(false);
    expect(await whoIs(accessToken)).toBe("CREDENTIAL_INVALID");
  });
});
