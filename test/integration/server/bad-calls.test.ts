// What callers get wrong, or try: each call ends with its documented reason and code, says nothing that it was given, and
// leaves everything as it was.
import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { connect, type OutgoingHttpHeaders, type SessionOptions } from "node:http2";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Gatehouse, GatehouseError } from "../../../clients/typescript/src/index.ts";
import { AuthService } from "../../../gen/ts/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "../../../gen/ts/gatehouse/secrets/v1/secrets_service_pb.js";
import { Consistency } from "../../../gen/ts/gatehouse/token/v1/token_service_pb.js";
import { errorTable, type Reason } from "../../../src/kernel/errors.ts";
import { findGoTool } from "../../../tools/go-tools.ts";
import { frame, framed, grpcHeaders, pathOf, type RawAnswer, send } from "../../conformance/door.ts";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import {
  administratorAccount,
  bootstrap,
  clientOf,
  type Installation,
  makeInstallation,
  type Person,
  visitorOf,
} from "./installation.ts";
import { type Claims, type Mint, openMint } from "./minted-tokens.ts";

const canary = `canary-${randomBytes(9).toString("hex")}`;

describe("calls that are wrong", () => {
  let installation: Installation;
  let server: GatehouseProcess;
  let ada: Person;
  let visitor: Gatehouse;
  let client: Gatehouse;
  let mint: Mint;

  beforeAll(async () => {
    installation = await makeInstallation({ GATEHOUSE_REGISTRATION: "open", GATEHOUSE_LOG_LEVEL: "debug" });
    server = await installation.start();
    visitor = visitorOf(server);
    ada = await bootstrap(installation.dataDir, visitor);
    client = clientOf(server, ada.tokens.accessToken);
    mint = await openMint(installation.dataDir);
    for (const value of ["one", "two"]) await client.secrets.putSecret({ path: "team/key", value: Buffer.from(value) });
    await client.secrets.destroySecret({ path: "team/key", versions: [1] });
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  /** The refusal has its documented code and status, and repeats nothing. */
  async function refuse(call: Promise<unknown>, reason: Reason): Promise<GatehouseError> {
    const error = await call.then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    if (!(error instanceof GatehouseError)) throw new Error(`${reason} was expected, not ${String(error)}`);
    expect(error.reason).toBe(reason);
    expect(error.code).toBe(errorTable[reason].id);
    expect(error.errorId).toMatch(/^[0-9a-f-]{36}$/);
    expect(error.timestamp).toBeInstanceOf(Date);
    const told = JSON.stringify([error.message, error.violations, error.metadata]);
    expect(told).not.toContain(canary);
    expect(told).not.toMatch(/eyJ|select |node_modules|\.ts/);
    return error;
  }

  /** A token's life that ended an hour ago. */
  function longAgo(): Claims {
    const then = Math.floor(Date.now() / 1000) - 5_400;
    return { auth_time: then, iat: then, nbf: then, exp: then + 1_800 };
  }

  const whoAmI = (token: string) => clientOf(server, token).auth.whoAmI({});

  describe("credentials", () => {
    it("JWT-03 JWT-04 JWT-05 CLM-01 AZ-04 are one and the same refusal, whatever is wrong with them", async () => {
      const { header, claims } = mint.read(ada.tokens.accessToken);
      const now = Math.floor(Date.now() / 1000);
      const but = (changed: Claims): Claims => ({ ...claims, ...changed });
      const genuine = await mint.sign(header, claims);
      expect((await whoAmI(genuine)).principalId).toBe(ada.principalId);
      const [head = "", body = "", signature = ""] = ada.tokens.accessToken.split(".");
      const raised = Buffer.from(JSON.stringify(but({ sub: `prn_${"0".repeat(8)}` }))).toString("base64url");
      const refused: Record<string, string> = {
        expired: await mint.sign(header, but(longAgo())),
        "not yet valid": await mint.sign(header, but({ iat: now + 600, nbf: now + 600, exp: now + 1_200 })),
        "for another audience": await mint.sign(header, but({ aud: "shop" })),
        "of another issuer": await mint.sign(header, but({ iss: "https://elsewhere.example" })),
        "of another type": await mint.sign({ ...header, typ: "JWT" }, claims),
        "of another key": await mint.sign({ ...header, kid: canary }, claims),
        unsigned: mint.unsigned(claims),
        "signed with the public key": mint.confuse(claims),
        "with other claims": `${head}.${raised}.${signature}`,
        "with another signature": `${head}.${body}.${Buffer.alloc(64, 7).toString("base64url")}`,
        "a refresh token": ada.tokens.refreshToken,
        nothing: canary,
      };
      const answers = new Set<string>();
      for (const [what, token] of Object.entries(refused)) {
        const error = await refuse(whoAmI(token), "CREDENTIAL_INVALID").catch((fault: Error) => {
          throw new Error(`${what}: ${fault.message}`);
        });
        answers.add(JSON.stringify([error.grpcCode, error.message, error.code, error.violations, error.metadata]));
      }
      expect(answers.size).toBe(1);
      await refuse(visitor.auth.whoAmI({}), "CREDENTIAL_MISSING");
    });

    it("TOK-16 are told apart for an introspector that may know", async () => {
      const { header, claims } = mint.read(ada.tokens.accessToken);
      const reasons: [Reason, string][] = [
        ["TOKEN_EXPIRED", await mint.sign(header, { ...claims, ...longAgo() })],
        ["TOKEN_WRONG_AUDIENCE", await mint.sign(header, { ...claims, aud: "shop" })],
        ["TOKEN_SIGNATURE_INVALID", `${ada.tokens.accessToken.slice(0, -8)}AAAAAAAA`],
        ["TOKEN_MALFORMED", canary],
      ];
      for (const [reason, token] of reasons) {
        expect(await client.tokens.introspect({ token })).toMatchObject({ active: false, reason, subject: "" });
      }
    });

    it("F-01 with the right key but of a session that never was are found out by whoever asks strongly", async () => {
      const { header, claims } = mint.read(ada.tokens.accessToken);
      const sid = "ses_01890000-0000-7000-8000-000000000000";
      const token = await mint.sign(header, { ...claims, sid, jti: "01890000-0000-7000-8000-0000000000bb" });
      expect(await client.tokens.introspect({ token, consistency: Consistency.STRONG })).toMatchObject({
        active: false,
      });
    });

    it("RPC-01 AZ-04 given twice, in another scheme or badly formed are refused, never taken for nobody", async () => {
      const bearer = `Bearer ${ada.tokens.accessToken}`;
      const base = grpcHeaders(pathOf(AuthService.method.whoAmI));
      const fields = { ...base, ":scheme": "http", ":authority": server.address };
      const flat = Object.entries(fields).flatMap(([name, value]) => [name, String(value)]);
      const shapes: (OutgoingHttpHeaders | string[])[] = [
        [...flat, "authorization", bearer, "authorization", bearer],
        [...flat, "authorization", bearer, "authorization", `Bearer ${canary}`],
        { ...base, authorization: `${bearer}, ${bearer}` },
        { ...base, authorization: `Basic ${Buffer.from(`ada:${canary}`).toString("base64")}` },
        { ...base, authorization: ada.tokens.accessToken },
        { ...base, authorization: "Bearer" },
      ];
      for (const shape of shapes) {
        const answer = await raw(shape, framed(AuthService.method.whoAmI, {}));
        expect(answer.status?.info).toMatchObject({
          reason: "CREDENTIAL_INVALID",
          domain: "gatehouse",
          metadata: { code: "SEC-AUTH-002" },
        });
        expect(answer.trailersOnly).toBe(true);
      }
    });

    it("LOGIN_FAILED is one answer for a wrong password and an unknown name", async () => {
      const { loginName, password } = administratorAccount;
      const wrong = await refuse(visitor.auth.login({ loginName, password: canary }), "LOGIN_FAILED");
      const unknown = await refuse(visitor.auth.login({ loginName: canary, password }), "LOGIN_FAILED");
      expect([wrong.message, wrong.metadata]).toEqual([unknown.message, unknown.metadata]);
    });

    it("T-09 an access token is no refresh token, and a made-up one is none", async () => {
      const { violations } = await refuse(
        visitor.tokens.refresh({ refreshToken: ada.tokens.accessToken }),
        "REQUEST_INVALID",
      );
      expect(violations.map(({ field }) => field)).toEqual(["refresh_token"]);
      for (const refreshToken of [canary, `${ada.tokens.refreshToken.slice(0, -4)}AAAA`]) {
        await refuse(visitor.tokens.refresh({ refreshToken }), "REFRESH_TOKEN_INVALID");
      }
      const { tokens } = await visitor.tokens.refresh({ refreshToken: ada.tokens.refreshToken });
      expect(tokens?.sessionId).toBe(ada.tokens.sessionId);
    });

    it("a bootstrap token works once, and an invitation must be one", async () => {
      const account = { loginName: "eve", password: `a quiet harbour ${canary}` };
      await refuse(visitor.auth.bootstrap({ ...account, bootstrapToken: canary }), "BOOTSTRAP_REFUSED");
    });
  });

  describe("requests", () => {
    const register = (loginName: string, password: string) => visitor.auth.register({ loginName, password });

    it("P-01 PWD-06 weak, listed and short passwords are refused with the field and why", async () => {
      for (const password of ["password1234", "short", "aaaaaaaaaaaa", "gatehouse-gatehouse"]) {
        const error = await refuse(register("mallory", password), "PASSWORD_UNACCEPTABLE").catch((fault: Error) => {
          throw new Error(`${password}: ${fault.message}`);
        });
        expect(error.violations.map(({ field }) => field)).toContain("password");
        expect(JSON.stringify(error.violations)).not.toContain(password);
      }
      await refuse(register("ada", "a quiet harbour at dawn"), "LOGIN_NAME_TAKEN");
    });

    it("P-03 bad fields are named, all of them", async () => {
      const path = `/${canary}//`;
      const error = await refuse(
        client.secrets.putSecret({ path, value: Buffer.from("x"), expectedVersion: -1 }),
        "REQUEST_INVALID",
      );
      expect(error.violations.map(({ field }) => field).sort()).toEqual(["expected_version", "path"]);
      await refuse(
        client.grants.createGrant({ principalId: canary, role: "viewer", resource: "secrets" }),
        "REQUEST_INVALID",
      );
      const role = { principalId: ada.principalId, role: "emperor", resource: "secrets" };
      await refuse(client.grants.createGrant(role), "ROLE_UNKNOWN");
      await refuse(
        client.grants.deleteGrant({ grantId: "grt_01890000-0000-7000-8000-000000000000" }),
        "GRANT_NOT_FOUND",
      );
    });

    it("CVE-2026-33505 AZ-08 forged page tokens, and those of another method or filter, are refused", async () => {
      const page = await client.audit.queryEvents({ pageSize: 1 });
      const pageToken = page.nextPageToken;
      expect(pageToken).not.toBe("");
      const flipped = `${pageToken.slice(0, -2)}${pageToken.endsWith("AA") ? "BB" : "AA"}`;
      for (const forged of [canary, flipped]) {
        await refuse(client.audit.queryEvents({ pageSize: 1, pageToken: forged }), "PAGE_TOKEN_INVALID");
      }
      await refuse(client.audit.queryEvents({ filter: { event: "authn.login" }, pageToken }), "PAGE_TOKEN_INVALID");
      await refuse(client.secrets.listSecrets({ pageToken }), "PAGE_TOKEN_INVALID");
    });

    it("SEC-01 a stale writer, an absent and a destroyed version are refused, and nothing changed", async () => {
      const path = "team/key";
      const value = Buffer.from(canary);
      const stale = await refuse(
        client.secrets.putSecret({ path, value, expectedVersion: 1 }),
        "SECRET_VERSION_CONFLICT",
      );
      expect(stale.metadata).toMatchObject({ current_version: "2" });
      await refuse(client.secrets.putSecret({ path, value, expectedVersion: 0 }), "SECRET_VERSION_CONFLICT");
      await refuse(client.secrets.getSecret({ path, version: 1 }), "SECRET_VERSION_DESTROYED");
      await refuse(client.secrets.undeleteSecret({ path, versions: [1] }), "SECRET_VERSION_DESTROYED");
      await refuse(client.secrets.getSecret({ path, version: 9 }), "SECRET_NOT_FOUND");
      await refuse(client.secrets.getSecret({ path: "team/none" }), "SECRET_NOT_FOUND");
      expect(Buffer.from((await client.secrets.getSecret({ path })).value).toString()).toBe("two");
    });

    it("RPC-06 RPC-08 unknown methods, over-long and malformed messages are refused, and the process lives", async () => {
      const authorization = `Bearer ${ada.tokens.accessToken}`;
      const put = { ...grpcHeaders(pathOf(SecretsService.method.putSecret)), authorization };
      const unknown = await raw({ ...grpcHeaders("/gatehouse.auth.v1.AuthService/Become") }, frame(Buffer.alloc(0)));
      expect(unknown.status?.info).toMatchObject({ reason: "METHOD_UNKNOWN" });
      const long = await raw(put, frame(Buffer.alloc(1_200_000)));
      expect(long.status?.info).toMatchObject({ reason: "REQUEST_TOO_LARGE" });
      const malformed = await raw(put, frame(Buffer.from([0x0a, 0xff, 0xff, 0xff, 0x01, 0x41])));
      expect(malformed.status?.info).toMatchObject({ reason: "REQUEST_MALFORMED" });
      await whoAmI(ada.tokens.accessToken);
    });
  });

  it("RPC-01 are shown by grpcurl with reason, code, field and error id", async () => {
    const value = Buffer.from(canary).toString("base64");
    const call = await grpcurl({ path: "/wrong/", value }, "gatehouse.secrets.v1.SecretsService/PutSecret");
    expect(call.code).not.toBe(0);
    expect(call.output).toMatch(/"code":\s*3/);
    expect(call.output).toMatch(/"reason":\s*"REQUEST_INVALID"/);
    expect(call.output).toMatch(/"code":\s*"SEC-CORE-001"/);
    expect(call.output).toMatch(/"field":\s*"path"/);
    expect(call.output).toMatch(/"error_id":\s*"[0-9a-f-]{36}"/);
    expect(call.output).not.toContain(value);
  });

  it("P-12 are on record, with finer reasons than the caller was told", async () => {
    const { events } = await client.audit.queryEvents({ filter: { event: "authn.whoami" }, pageSize: 100 });
    const reasons = new Set(events.map(({ reason }) => reason));
    expect([...reasons]).toEqual(
      expect.arrayContaining(["TOKEN_EXPIRED", "TOKEN_WRONG_AUDIENCE", "CREDENTIAL_MALFORMED"]),
    );
    const logins = await client.audit.queryEvents({ filter: { event: "authn.login" }, pageSize: 100 });
    expect(new Set(logins.events.map(({ reason }) => reason)).size).toBeGreaterThan(1);
  });

  it("SEC-05 leave nothing of what was sent in the log", () => {
    const { stderr } = server.output();
    expect(stderr).toContain("call refused");
    expect(stderr).not.toContain(canary);
    expect(stderr).not.toMatch(/eyJ|"level":"error"/);
  });

  async function raw(headers: OutgoingHttpHeaders | string[], body: Buffer): Promise<RawAnswer> {
    // With its checks a client cannot say a thing twice; other clients can.
    const session = connect(`http://${server.address}`, { strictSingleValueFields: false } as SessionOptions);
    session.on("error", () => {});
    return send(session, headers, body).finally(() => session.destroy());
  }

  function grpcurl(request: object, method: string): Promise<{ code: unknown; output: string }> {
    const words = ["-plaintext", "-format-error", "-H", `authorization: Bearer ${ada.tokens.accessToken}`];
    return new Promise((resolve) => {
      execFile(
        findGoTool("grpcurl"),
        [...words, "-d", JSON.stringify(request), server.address, method],
        { timeout: 20_000 },
        (error, stdout, stderr) => resolve({ code: error?.code ?? 0, output: stdout + stderr }),
      );
    });
  }
});
