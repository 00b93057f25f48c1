// The browser's transport over real HTTP, in both protocols: the same calls, credentials, errors and retries as on Node.
import { create } from "@bufbuild/protobuf";
import { Code } from "@connectrpc/connect";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { TokenSetSchema } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { describe, expect, it } from "vitest";
import {
  createGatehouse,
  type GatehouseOptions,
  PermissionDenied,
  passwordLogin,
  RateLimited,
  Unavailable,
} from "../src/web.ts";
import { patientMs, tokenSet } from "./scripted-client.ts";
import { startWebServer, type WebServer, webRefusal } from "./web-server.ts";

const { getSecret, putSecret } = SecretsService.method;
const unavailable = (headers: Record<string, string> = {}) =>
  webRefusal(Code.Unavailable, "DATABASE_UNAVAILABLE", { headers });

const protocols = ["connect", "grpc-web"] as const;

function connectTo(protocol: (typeof protocols)[number]) {
  return (server: Pick<WebServer, "baseUrl">, options: Partial<GatehouseOptions> = {}) =>
    createGatehouse({
      baseUrl: server.baseUrl,
      protocol,
      deadlineMs: patientMs,
      retry: { initialBackoffMs: 1, maxBackoffMs: 5 },
      ...options,
    });
}

describe.each(protocols)("a call over %s", (protocol) => {
  const connect = connectTo(protocol);

  it("carries messages, the token, the deadline and a request id", async () => {
    const server = await startWebServer();
    server.on(putSecret, () => ({ version: { version: 3 } }));
    const client = connect(server, { credentials: "t-1", deadlineMs: 40_000 });
    const begun = performance.now();
    const answer = await client.secrets.putSecret({ path: "a/b", value: new Uint8Array([1]) });
    expect(answer.version?.version).toBe(3);
    const [seen] = server.seen;
    expect(seen?.headers.get("authorization")).toBe("Bearer t-1");
    // What it has left, in whole milliseconds, of what the client had left when it sent.
    expect(seen?.timeoutMs).toBeGreaterThanOrEqual(40_000 - 2 - (performance.now() - begun));
    expect(seen?.timeoutMs).toBeLessThanOrEqual(40_000);
    expect(seen?.request).toMatchObject({ path: "a/b", requestId: expect.stringMatching(/^[0-9a-f-]{36}$/) });
  });

  it("sends no deadline where there is none", async () => {
    const server = await startWebServer();
    server.on(getSecret, () => ({}));
    await connect(server).secrets.getSecret({ path: "a" }, { timeoutMs: Number.POSITIVE_INFINITY });
    expect(server.seen[0]?.timeoutMs).toBeUndefined();
  });

  it("logs in at the first call, and renews a token that is refused", async () => {
    const server = await startWebServer();
    server.on(AuthService.method.login, () => ({
      outcome: { case: "tokens" as const, value: create(TokenSetSchema, tokenSet(1, Date.now() + 60_000)) },
    }));
    server.on(TokenService.method.refresh, () => ({ tokens: tokenSet(2, Date.now() + 60_000) }));
    server.on(getSecret, (_, { requestHeader }) => {
      if (requestHeader.get("authorization") !== "Bearer access-2")
        throw webRefusal(Code.Unauthenticated, "CREDENTIAL_INVALID");
      return {};
    });
    const stale = { ...tokensAt(0), accessToken: "access-1" };
    const credentials = passwordLogin({ loginName: "ada", password: "pw", tokens: stale });
    await connect(server, { credentials }).secrets.getSecret({ path: "a" });
    expect(server.seen.map(({ method }) => method)).toEqual(["GetSecret", "Refresh", "GetSecret"]);
    const fresh = connect(server, { credentials: passwordLogin({ loginName: "ada", password: "pw" }) });
    await fresh.secrets.getSecret({ path: "a" }).catch(() => undefined);
    expect(server.seen[3]?.method).toBe("Login");
    expect(server.seen[3]?.headers.get("authorization")).toBeNull();
  });

  it("types errors by their reason, and hands on what headers say", async () => {
    const server = await startWebServer();
    server.on(getSecret, () => {
      throw webRefusal(Code.ResourceExhausted, "RATE_LIMITED", {
        retryAfterMs: 1_500,
        headers: { "x-ratelimit-remaining": "0" },
      });
    });
    server.on(putSecret, () => {
      throw webRefusal(Code.PermissionDenied, "PERMISSION_DENIED");
    });
    const client = connect(server);
    const error = await client.secrets.getSecret({ path: "a" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(RateLimited);
    expect(error).toMatchObject({ retryAfterMs: 1_500, code: "SEC-TEST-001", errorId: "e-1" });
    expect((error as { cause: { metadata: Headers } }).cause.metadata.get("x-ratelimit-remaining")).toBe("0");
    await expect(client.secrets.putSecret({ path: "a" })).rejects.toBeInstanceOf(PermissionDenied);
    expect(server.seen).toHaveLength(2);
  });
});

describe.each(protocols)("a failure over %s", (protocol) => {
  const connect = connectTo(protocol);

  it("repeats what may be repeated with the same request id, and nothing else", async () => {
    const server = await startWebServer();
    let failures = 2;
    server.on(putSecret, () => {
      if (failures-- > 0) throw unavailable();
      return {};
    });
    server.on(GrantService.method.deleteGrant, () => {
      throw unavailable();
    });
    const client = connect(server);
    await client.secrets.putSecret({ path: "a" });
    expect(new Set(server.seen.map(({ request }) => (request as { requestId?: string }).requestId)).size).toBe(1);
    expect(server.seen).toHaveLength(3);
    await expect(client.grants.deleteGrant({ grantId: "g" })).rejects.toBeInstanceOf(Unavailable);
    expect(server.seen).toHaveLength(4);
  });

  it("does not repeat when the server says not to, nor when the time would not do", async () => {
    const server = await startWebServer();
    const says = [{ "grpc-retry-pushback-ms": "-1" }, { "retry-after": "60" }];
    server.on(getSecret, () => {
      throw unavailable(says.shift());
    });
    const client = connect(server);
    await expect(client.secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
    await expect(client.secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "DATABASE_UNAVAILABLE" });
    expect(server.seen).toHaveLength(2);
  });

  it("says UNREACHABLE when nobody answers, and for a gateway's bare 503", async () => {
    const client = connect({ baseUrl: "http://127.0.0.1:1" }, { retry: { maxAttempts: 1 } });
    await expect(client.secrets.getSecret({ path: "a" })).rejects.toMatchObject({
      name: "Unavailable",
      reason: "UNREACHABLE",
    });
    const server = await startWebServer();
    let asked = 0;
    server.raw = () => {
      asked += 1;
      return { status: 503, headers: { "content-type": "text/html", "retry-after": "0" } };
    };
    await expect(connect(server).secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "UNREACHABLE" });
    expect(asked).toBe(4);
  });

  it("follows no redirect and sends no cookie", async () => {
    const server = await startWebServer();
    const elsewhere = await startWebServer();
    server.raw = () => ({ status: 307, headers: { location: elsewhere.baseUrl } });
    const client = connect(server, { credentials: "t", retry: { maxAttempts: 1 } });
    await expect(client.secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "UNREACHABLE" });
    expect(elsewhere.seen).toEqual([]);
    const asked: unknown[] = [];
    const spying = connect(server, {
      fetch: async (_, init) => {
        asked.push(init);
        return new Response(null, { status: 500 });
      },
    });
    await spying.secrets.getSecret({ path: "a" }).catch(() => undefined);
    expect(asked[0]).toMatchObject({ credentials: "omit", redirect: "error", cache: "no-store" });
  });
});

describe.each(protocols)("a call that takes too long over %s", (protocol) => {
  const connect = connectTo(protocol);

  it("ends with the deadline, with the caller's signal, and when it is closed", async () => {
    const server = await startWebServer();
    server.on(getSecret, () => new Promise(() => {}));
    const client = connect(server);
    await expect(client.secrets.getSecret({ path: "a" }, { timeoutMs: 30 })).rejects.toMatchObject({
      reason: "DEADLINE_EXCEEDED",
    });
    const leaving = new AbortController();
    const call = client.secrets.getSecret({ path: "a" }, { signal: leaving.signal });
    leaving.abort();
    await expect(call).rejects.toMatchObject({ reason: "CANCELLED" });
    client.close();
    await expect(client.secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
  });
});

function tokensAt(n: number) {
  const far = new Date(Date.now() + 60_000).toISOString();
  return {
    accessToken: `access-${n}`,
    accessTokenExpiresAt: far,
    refreshToken: `refresh-${n}`,
    refreshTokenExpiresAt: far,
    sessionId: "s",
  };
}

describe("options", () => {
  it.each([
    "gatehouse.example.com",
    "ftp://example.com",
    "/",
    "http://example.com",
    "http://127.0.0.1.example.com",
    "https://user@example.com",
    "https://example.com?x=1",
    "https://example.com#x",
  ])("refuse %s", (baseUrl) => {
    expect(() => createGatehouse({ baseUrl })).toThrow(TypeError);
  });

  it.each(["https://example.com/", "http://localhost:8080", "http://[::1]:1/api", "http://127.0.0.1"])(
    "take %s",
    (baseUrl) => {
      createGatehouse({ baseUrl }).close();
    },
  );

  it("take plaintext to other machines only when it is said out loud", () => {
    createGatehouse({ baseUrl: "http://example.com", insecure: true }).close();
  });

  it("refuse a protocol, a deadline and attempts that make no sense", () => {
    const baseUrl = "https://example.com";
    expect(() => createGatehouse({ baseUrl, protocol: "grpc" as never })).toThrow(TypeError);
    expect(() => createGatehouse({ baseUrl, deadlineMs: 0 })).toThrow(RangeError);
    expect(() => createGatehouse({ baseUrl, retry: { maxAttempts: 9 } })).toThrow(RangeError);
  });
});
