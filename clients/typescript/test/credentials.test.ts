// Tokens on real calls: where they are sent, when they are renewed, how often.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import { status } from "@grpc/grpc-js";
import { describe, expect, it } from "vitest";
import { passwordLogin } from "../src/credentials/password-login.ts";
import { refreshing } from "../src/credentials/refreshing.ts";
import type { Tokens } from "../src/credentials/tokens.ts";
import { InvalidCredentials, InvalidToken } from "../src/errors/kinds.ts";
import { connect, storedTokens, tokenSet } from "./scripted-client.ts";
import { refusal, type ScriptedServer, startServer } from "./scripted-server.ts";

const { getSecret, putSecret } = SecretsService.method;
const { login, register } = AuthService.method;
const { refresh, getJwks } = TokenService.method;
const refused = refusal({ code: status.UNAUTHENTICATED, reason: "CREDENTIAL_INVALID" });
const inAnHour = () => Date.now() + 3_600_000;
const person = { loginName: "ada", password: "correct horse battery" };

/** A server with one session whose only good access token is the newest. */
async function startWithSession(): Promise<ScriptedServer & { end(): void; kill(): void }> {
  const server = await startServer();
  let newest = 0;
  let ended = false;
  let dead = false;
  server.on(login, () => {
    newest += 1;
    ended = false;
    return { outcome: { case: "tokens" as const, value: tokenSet(newest, inAnHour()) } };
  });
  server.on(refresh, ({ request }) => {
    if (ended || request.refreshToken !== `refresh-${newest}`) {
      throw refusal({ code: status.UNAUTHENTICATED, reason: "REFRESH_TOKEN_INVALID" });
    }
    newest += 1;
    return { tokens: tokenSet(newest, inAnHour()) };
  });
  for (const method of [getSecret, putSecret]) {
    server.on(method, ({ token }) => {
      if (dead || token !== `access-${newest}`) throw refused;
      return {};
    });
  }
  return {
    ...server,
    end: () => {
      ended = true;
      newest += 1;
    },
    kill: () => {
      dead = true;
    },
  };
}

describe("a credential", () => {
  it("goes with the methods that ask for one, and with no other", async () => {
    const server = await startServer();
    server.on(getSecret, () => ({}));
    server.on(getJwks, () => ({}));
    server.on(register, () => ({}));
    server.on(Health.method.check, () => ({}));
    const client = connect(server, { credentials: "t" });
    await client.secrets.getSecret({ path: "a" });
    await client.tokens.getJwks({});
    await client.auth.register({});
    await client.client(Health).check({});
    expect(server.calls.map(({ method, token }) => [method, token])).toEqual([
      ["GetSecret", "t"],
      ["GetJwks", undefined],
      ["Register", undefined],
      ["Check", undefined],
    ]);
  });

  it("that is given with the call goes before the client's, and is not replaced when it is refused", async () => {
    const server = await startWithSession();
    const { secrets } = connect(server, { credentials: passwordLogin(person) });
    const headers = { authorization: "Bearer other" };
    await expect(secrets.getSecret({ path: "a" }, { headers })).rejects.toBeInstanceOf(InvalidToken);
    expect(server.calls.map(({ token }) => token)).toEqual(["other"]);
  });

  it("that never changes is not tried twice", async () => {
    const server = await startWithSession();
    await expect(connect(server, { credentials: "x" }).secrets.getSecret({ path: "a" })).rejects.toMatchObject({
      reason: "CREDENTIAL_INVALID",
    });
    expect(server.calls).toHaveLength(1);
  });

  it("may come from the caller's own provider", async () => {
    const server = await startServer();
    server.on(getSecret, () => ({}));
    const provider = { token: async () => "mine" };
    await connect(server, { credentials: provider }).secrets.getSecret({ path: "a" });
    expect(server.calls[0]?.token).toBe("mine");
  });
});

describe("passwordLogin", () => {
  it("logs in once for many calls at once", async () => {
    const server = await startWithSession();
    const { secrets } = connect(server, { credentials: passwordLogin({ ...person, deviceName: "laptop" }) });
    await Promise.all(Array.from({ length: 40 }, () => secrets.getSecret({ path: "a" })));
    expect(server.callsOf(login)).toHaveLength(1);
    expect(server.callsOf(login)[0]?.request).toMatchObject({ ...person, deviceName: "laptop" });
    expect(server.callsOf(getSecret)).toHaveLength(40);
  });

  it("F-07 gives InvalidCredentials for a wrong password, once asked, to every call", async () => {
    const server = await startServer();
    server.on(login, () => {
      throw refusal({ code: status.UNAUTHENTICATED, reason: "LOGIN_FAILED" });
    });
    const { secrets } = connect(server, { credentials: passwordLogin(person) });
    for (let n = 0; n < 3; n++) {
      await expect(secrets.getSecret({ path: "a" })).rejects.toBeInstanceOf(InvalidCredentials);
    }
    expect(server.calls).toHaveLength(1);
  });

  it("TOK-05 shows its client at the login and at every refresh, with the secret as it is then", async () => {
    const server = await startWithSession();
    const shown = ["ghc_1", "ghc_2"];
    const client = { id: "till", secret: async () => shown.shift() ?? "" };
    const tokens = storedTokens(0, Date.now() - 1);
    const { secrets } = connect(server, { credentials: passwordLogin({ ...person, tokens, client }) });
    server.end();
    await secrets.getSecret({ path: "a" });
    expect(server.callsOf(refresh)[0]?.request).toMatchObject({ clientId: "till", clientSecret: "ghc_1" });
    expect(server.callsOf(login)[0]?.request).toMatchObject({ clientId: "till", clientSecret: "ghc_2" });
  });

  it("logs in again when the session has ended", async () => {
    const server = await startWithSession();
    const stored: (string | undefined)[] = [];
    const onTokens = (tokens: Tokens | undefined) => void stored.push(tokens?.refreshToken);
    const tokens = storedTokens(0, Date.now() - 1);
    const { secrets } = connect(server, { credentials: passwordLogin({ ...person, tokens, onTokens }) });
    server.end();
    await secrets.getSecret({ path: "a" });
    expect(server.calls.map(({ method }) => method)).toEqual(["Refresh", "Login", "GetSecret"]);
    expect(stored).toEqual([undefined, "refresh-2"]);
  });
});

describe("refreshing", () => {
  it("F-02 makes one Refresh for N parallel calls whose token was refused, and replays each call once", async () => {
    const server = await startWithSession();
    const credentials = refreshing({ tokens: { ...storedTokens(0, inAnHour()), accessToken: "revoked" } });
    const { secrets } = connect(server, { credentials });
    await Promise.all(Array.from({ length: 40 }, () => secrets.getSecret({ path: "a" })));
    expect(server.callsOf(refresh)).toHaveLength(1);
    const tokens = server.callsOf(getSecret).map(({ token }) => token);
    expect(tokens.filter((token) => token === "revoked").length).toBeLessThanOrEqual(40);
    expect(tokens.filter((token) => token === "access-1")).toHaveLength(40);
  });

  it("replays a write with the same request id", async () => {
    const server = await startWithSession();
    const credentials = refreshing({ tokens: { ...storedTokens(0, inAnHour()), accessToken: "revoked" } });
    await connect(server, { credentials }).secrets.putSecret({ path: "a" });
    const ids = server.callsOf(putSecret).map(({ request }) => (request as unknown as { requestId: string }).requestId);
    expect(ids).toHaveLength(2);
    expect(new Set(ids).size).toBe(1);
  });

  it("does not go round in circles when the new token is refused too", async () => {
    const server = await startWithSession();
    server.kill();
    const { secrets } = connect(server, { credentials: refreshing({ tokens: storedTokens(0, inAnHour()) }) });
    await expect(secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "CREDENTIAL_INVALID" });
    expect(server.calls.map(({ method }) => method)).toEqual(["GetSecret", "Refresh", "GetSecret"]);
  });

  it("does not refresh for another refusal", async () => {
    const server = await startServer();
    server.on(getSecret, () => {
      throw refusal({ code: status.PERMISSION_DENIED, reason: "PERMISSION_DENIED" });
    });
    const { secrets } = connect(server, { credentials: refreshing({ tokens: storedTokens(0, inAnHour()) }) });
    await expect(secrets.getSecret({ path: "a" })).rejects.toMatchObject({ name: "PermissionDenied" });
    expect(server.calls).toHaveLength(1);
  });
});

describe("refreshing ahead and after", () => {
  it("never presents a refresh token whose successor has come, nor stores it", async () => {
    const server = await startWithSession();
    const stored: (string | undefined)[] = [];
    let now = Date.now();
    const credentials = refreshing({
      tokens: storedTokens(0, now + 1_000),
      clock: { now: () => now },
      onTokens: (tokens) => void stored.push(tokens?.refreshToken),
    });
    const { secrets } = connect(server, { credentials });
    for (let n = 0; n < 3; n++) {
      now += 4_000_000;
      await secrets.getSecret({ path: "a" });
    }
    const presented = server.callsOf(refresh).map(({ request }) => (request as { refreshToken?: string }).refreshToken);
    expect(presented[0]).toBe("refresh-0");
    expect(new Set(presented).size).toBe(presented.length);
    expect(stored).toEqual(presented.map((_, n) => `refresh-${n + 1}`));
  });

  it("waits for a token no longer than the call may take, and leaves the refresh to the others", async () => {
    const server = await startWithSession();
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const credentials = refreshing({
      tokens: storedTokens(0, 0),
      refresh: async () => {
        await held;
        return storedTokens(1, inAnHour());
      },
    });
    server.on(getSecret, ({ token }) => ({ value: Buffer.from(token ?? "") }));
    const { secrets } = connect(server, { credentials });
    const caller = new AbortController();
    const patient = secrets.getSecret({ path: "a" });
    const hasty = secrets.getSecret({ path: "a" }, { timeoutMs: 20 });
    const gone = secrets.getSecret({ path: "a" }, { signal: caller.signal });
    const goneFails = expect(gone).rejects.toMatchObject({ reason: "CANCELLED" });
    caller.abort();
    await goneFails;
    await expect(hasty).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    release();
    expect(Buffer.from((await patient).value).toString()).toBe("access-1");
  });
});
