// The real command's web door: the whole of a life in JSON, browsers' protocols by their own library, and the stop.
import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-node";
import { AuditService } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { ErrorInfoSchema } from "@gatehouse/proto/google/rpc/error_details_pb.js";
import { Health } from "@gatehouse/proto/health/v1/health_pb.js";
import { createLocalJWKSet, jwtVerify } from "jose";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { GatehouseProcess } from "./gatehouse-process.ts";
import { bootstrap, type Installation, makeInstallation, type Person, visitorOf } from "./installation.ts";

interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Readonly<Record<string, never>>;
}

async function post(
  server: GatehouseProcess,
  path: string,
  body: object,
  headers: Record<string, string> = {},
): Promise<Answer> {
  const answer = await fetch(`${server.webAddress}/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: JSON.stringify(body),
  });
  return { status: answer.status, headers: answer.headers, json: (await answer.json()) as Answer["json"] };
}

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe("the web door of the real command", () => {
  let installation: Installation;
  let server: GatehouseProcess;
  let ada: Person;

  beforeAll(async () => {
    installation = await makeInstallation({ GATEHOUSE_CORS_ORIGINS: "https://app.example" });
    server = await installation.start();
    const visitor = visitorOf(server);
    ada = await bootstrap(installation.dataDir, visitor);
    visitor.close();
  });
  afterAll(() => installation[Symbol.asyncDispose]());

  it("names its address beside that of gRPC", () => {
    expect(server.output().stdout).toMatch(
      /^gatehouse: ready on 127\.0\.0\.1:\d+, http:\/\/127\.0\.0\.1:\d+, data in /,
    );
  });

  it("hands out the keys that verify its tokens", async () => {
    const answer = await fetch(`${server.webAddress}/.well-known/jwks.json`);
    const keys = createLocalJWKSet((await answer.json()) as Parameters<typeof createLocalJWKSet>[0]);
    const { payload } = await jwtVerify(ada.tokens.accessToken, keys, { typ: "at+jwt", audience: "gatehouse" });
    expect(payload.sub).toBe(ada.principalId);
  });

  it("AUD-07 does and records what gRPC does and records", async () => {
    const path = "web/database";
    const put = await post(
      server,
      "gatehouse.secrets.v1.SecretsService/PutSecret",
      { path, value: "czNjcjN0" },
      bearer(ada.tokens.accessToken),
    );
    expect(put).toMatchObject({ status: 200, json: { version: { version: 1 } } });
    const got = await post(
      server,
      "gatehouse.secrets.v1.SecretsService/GetSecret",
      { path },
      bearer(ada.tokens.accessToken),
    );
    expect(got.json).toMatchObject({ value: "czNjcjN0" });
    const refused = await post(
      server,
      "gatehouse.secrets.v1.SecretsService/GetSecret",
      { path },
      bearer("not.a.token"),
    );
    expect([refused.status, refused.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer realm="gatehouse", error="invalid_token"',
    ]);
    const trail = await post(
      server,
      "gatehouse.audit.v1.AuditService/QueryEvents",
      { page_size: 10 },
      bearer(ada.tokens.accessToken),
    );
    const events = (trail.json as unknown as { events: { event: string; outcome: string }[] }).events;
    expect(
      events.map(({ event, outcome }) => `${event} ${outcome}`).filter((line) => line.startsWith("secret.")),
    ).toEqual(["secret.read OUTCOME_FAILURE", "secret.read OUTCOME_SUCCESS", "secret.written OUTCOME_SUCCESS"]);
  });

  it("AZ-02 lets nobody into what gRPC keeps closed", async () => {
    for (const path of [
      "auth.v1.AuthService/WhoAmI",
      "audit.v1.AuditService/QueryEvents",
      "auth.v1.GrantService/ListGrants",
    ]) {
      expect((await post(server, `gatehouse.${path}`, {})).status).toBe(401);
    }
  });

  const authorize: Interceptor = (next) => (request) => {
    request.header.set("authorization", `Bearer ${ada.tokens.accessToken}`);
    return next(request);
  };
  const transports = () => {
    const both = (httpVersion: "1.1" | "2") => {
      const options = { baseUrl: server.webAddress, httpVersion, interceptors: [authorize] };
      return [
        createConnectTransport(options),
        createConnectTransport({ ...options, useBinaryFormat: false }),
        createGrpcWebTransport(options),
        createGrpcWebTransport({ ...options, useBinaryFormat: false }),
      ];
    };
    return [...both("1.1"), ...both("2")];
  };

  it("serves the library of both protocols, binary and JSON, over both versions of HTTP", async () => {
    for (const transport of transports()) {
      const me = await createClient(AuthService, transport).whoAmI({});
      expect(me.principalId).toBe(ada.principalId);
      const secret = await createClient(SecretsService, transport).getSecret({ path: "web/database" });
      expect(Buffer.from(secret.value).toString()).toBe("s3cr3t");
      const [first] = await createClient(Health, transport)
        .watch({})
        [Symbol.asyncIterator]()
        .next()
        .then(({ value }) => [value]);
      expect(first?.status).toBe(1);
    }
  });

  it("P-09 tells that library why it refuses", async () => {
    for (const transport of transports()) {
      const error = await createClient(AuditService, transport)
        .getEvent({ eventId: "evt_nothing" })
        .then(() => undefined, ConnectError.from);
      expect(error?.code).toBe(Code.InvalidArgument);
      expect(error?.findDetails(ErrorInfoSchema)[0]).toMatchObject({ reason: "REQUEST_INVALID", domain: "gatehouse" });
    }
  });

  it("J-06 lets pages of the listed origin see its answers, and no others", async () => {
    const answers = await Promise.all(
      ["https://app.example", "https://evil.example"].map((origin) =>
        fetch(`${server.webAddress}/healthz`, { headers: { origin } }),
      ),
    );
    expect(answers.map(({ headers }) => headers.get("access-control-allow-origin"))).toEqual([
      "https://app.example",
      null,
    ]);
  });
});

describe("who called", () => {
  it("T-10 is on record as the proxy says when it is trusted, and only then", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_REGISTRATION: "open" });
    const attempt = async (trusted: string): Promise<string> => {
      const server = await installation.start({ GATEHOUSE_TRUSTED_PROXIES: trusted, GATEHOUSE_LIMIT_READ: "1/60s" });
      const read = (address: string) =>
        fetch(`${server.webAddress}/.well-known/jwks.json`, { headers: { "x-forwarded-for": address } });
      const statuses = [(await read("192.0.2.1")).status, (await read("192.0.2.2")).status];
      await server.stop();
      return statuses.join();
    };
    // One budget for each address: whoever could choose his own would have as many as he likes.
    expect(await attempt("none")).toBe("200,429");
    expect(await attempt("127.0.0.1")).toBe("200,200");
  });
});

describe("RPC-04 SIGTERM", () => {
  it("says so on both protocols, and the process ends", async () => {
    await using installation = await makeInstallation();
    const server = await installation.start();
    const session = connectHttp2(server.webAddress);
    await once(session, "remoteSettings");
    const goaway = once(session, "goaway");
    const transport = createConnectTransport({ baseUrl: server.webAddress, httpVersion: "1.1" });
    const watch = createClient(Health, transport).watch({})[Symbol.asyncIterator]();
    expect((await watch.next()).value?.status).toBe(1);
    server.signal("SIGTERM");
    expect((await watch.next()).value?.status).toBe(2);
    expect((await watch.next()).done).toBe(true);
    await goaway;
    expect(await server.ended).toMatchObject({ code: 0 });
    session.destroy();
  });

  it("does not wait for a web door that is off", async () => {
    await using installation = await makeInstallation({ GATEHOUSE_WEB_LISTEN: "off" });
    const server = await installation.start();
    expect(server.webAddress).toBe("");
    expect(await server.stop()).toMatchObject({ code: 0 });
  });
});
