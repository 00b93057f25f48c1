// Errors on the wire: every one is Trailers-Only, so that clients may retry it, and carries ErrorInfo.
import { constants } from "node:http2";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { errorTable, GatehouseError, grpcCode, type Reason } from "../../src/kernel/errors.ts";
import { principalOf } from "../fakes/principal.ts";
import { call, framed, grpcHeaders, openTestDoor, pathOf, send, type TestDoor } from "./door.ts";

const { login, whoAmI } = AuthService.method;
const reasons = Object.keys(errorTable) as Reason[];
const off = "off" as const;

let door: TestDoor;
let attempts = 0;

beforeAll(async () => {
  door = await openTestDoor({
    tokens: { good: principalOf() },
    script: {
      // Fails with the reason that the caller names, or like a program does.
      "AuthService/Login": async (request: { loginName: string; password: string }) => {
        if (request.loginName === "crash") throw new Error(`password authentication failed for user "gatehouse_app"`);
        throw new GatehouseError(request.loginName as Reason, { message: request.password });
      },
      "AuthService/WhoAmI": async () => {
        attempts += 1;
        if (attempts < 3) throw new GatehouseError("DATABASE_UNAVAILABLE");
        return { principalId: "prn_x" };
      },
    },
  });
});
afterAll(() => door.close());

describe("a stream that is no call", () => {
  it.each([
    [405, { ":method": "GET" }],
    [405, { ":method": "PUT" }],
    [415, { "content-type": "text/plain" }],
  ])("RPC-06 is answered with %i and over, whether it ends or not: %j", async (status, more) => {
    const stream = door.session.request({ ...grpcHeaders(pathOf(login)), ...more }, { endStream: false });
    const answered = new Promise((resolve) => stream.once("response", resolve));
    const over = new Promise((resolve) => stream.once("close", resolve));
    stream.on("error", () => {}).resume();
    expect(await answered).toMatchObject({ ":status": status });
    await over;
  });
});

describe("an error", () => {
  it.each(reasons)(
    "%s is Trailers-Only: one HEADERS frame that ends the stream, with ErrorInfo in it",
    async (reason) => {
      const answer = await call(door, login, { loginName: reason, password: "says why" });
      expect(answer.trailersOnly).toBe(true);
      expect(answer.trailers).toBeUndefined();
      expect(answer.body).toHaveLength(0);
      expect(answer.headers).toMatchObject({ ":status": 200, "grpc-message": "says why" });
      expect(answer.headers?.["content-type"]).toMatch(/^application\/grpc/);
      expect(answer.code).toBe(grpcCode[errorTable[reason].code]);
      expect(answer.status).toMatchObject({ code: answer.code, info: { reason, domain: "gatehouse" } });
    },
  );

  it("has a message of any text that comes out as it went in", async () => {
    for (const text of ["100 % wrong", "zu groß für 世界", 'quote " and back\\slash']) {
      const answer = await call(door, login, { loginName: "REQUEST_INVALID", password: text });
      expect(decodeURIComponent(String(answer.headers?.["grpc-message"]))).toBe(text);
      expect(answer.status?.message).toBe(text);
    }
  });

  it("RPC-09 that nobody foresaw says nothing of its cause anywhere in the frame", async () => {
    const answer = await call(door, login, { loginName: "crash", password: "x" });
    expect(answer).toMatchObject({ trailersOnly: true, code: 13, status: { message: "internal error" } });
    const details = Buffer.from(String(answer.headers?.["grpc-status-details-bin"]), "base64").toString("latin1");
    expect(JSON.stringify(answer.headers) + details).not.toMatch(/gatehouse_app|authentication failed|at .*\.ts/);
    expect(answer.status?.info?.metadata.error_id).toMatch(/^[0-9a-f-]{36}$/);
  });

  it("RPC-11 of a limit carries the x-ratelimit metadata", async () => {
    const { getJwks } = TokenService.method;
    // Its clock stands still, or a second may have passed between the first call and the last.
    const now = new Date();
    const rates = { login: off, tokenCheck: off, read: { count: 2, perMs: 60_000 }, write: off };
    const own = await openTestDoor({ rates, clock: { now: () => now } });
    onTestFinished(() => own.close());
    await call(own, getJwks, {});
    await call(own, getJwks, {});
    const answer = await call(own, getJwks, {});
    expect(answer).toMatchObject({
      trailersOnly: true,
      code: 8,
      headers: { "x-ratelimit-limit": "2", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "30" },
      status: { info: { reason: "RATE_LIMITED" }, quotaFailure: { violations: [{ subject: "read" }] } },
    });
  });
});

describe("a client that retries", () => {
  it("gets through after two UNAVAILABLE, which only Trailers-Only errors allow (gRFC A6)", async () => {
    const retryPolicy = {
      maxAttempts: 4,
      initialBackoff: "0.01s",
      maxBackoff: "0.01s",
      backoffMultiplier: 1,
      retryableStatusCodes: ["UNAVAILABLE"],
    };
    const client = new Client(door.door.address, credentials.createInsecure(), {
      "grpc.service_config": JSON.stringify({ methodConfig: [{ name: [{}], retryPolicy }] }),
    });
    const metadata = new Metadata();
    metadata.set("authorization", "Bearer good");
    attempts = 0;
    const identity = (bytes: Buffer) => bytes;
    const error = await new Promise<ServiceError | null>((resolve) => {
      client.makeUnaryRequest(pathOf(whoAmI), identity, identity, Buffer.alloc(0), metadata, resolve);
    });
    client.close();
    expect([error, attempts]).toEqual([null, 3]);
  });
});

describe("a call of no method", () => {
  const unknown = {
    code: 12,
    trailersOnly: true,
    status: { message: "no such method", info: { reason: "METHOD_UNKNOWN" } },
  };
  const known = pathOf(whoAmI);
  const bearer = { authorization: "Bearer good" };

  it.each([
    "/gatehouse.auth.v1.AuthService/NoSuch",
    "/gatehouse.auth.v1.AuthService/",
    "/gatehouse.auth.v1.AuthService",
    "/no.such.Service/WhoAmI",
    "/",
    "//",
    `/${known}`,
    `${known}/`,
    `${known}?x=1`,
    `${known}#x`,
    `${known}%20`,
    known.toLowerCase(),
    known.replace("WhoAmI", "%57hoAmI"),
    known.replaceAll("/", "//"),
    known.replaceAll(".", "/"),
    "/gatehouse.auth.v1.AuthService/./WhoAmI",
    "/gatehouse.auth.v1.AuthService/../AuthService/WhoAmI",
    "/__proto__/constructor",
    "/constructor",
  ])("CVE-2026-33186 %s is UNIMPLEMENTED with a reason, whoever calls", async (path) => {
    attempts = 0;
    for (const metadata of [{}, bearer]) {
      const answer = await send(door.session, { ...grpcHeaders(path), ...metadata }, framed(whoAmI, {}));
      expect(answer).toMatchObject(unknown);
    }
    expect(attempts).toBe(0);
  });

  it.each([known.slice(1), "*", "", "a b"])(
    "CVE-2026-33186 %j is no path, and reset before anybody looks at it",
    async (path) => {
      attempts = 0;
      const answer = await send(door.session, { ...grpcHeaders(path), ...bearer }, framed(whoAmI, {}));
      expect(answer).toMatchObject({ headers: undefined, reset: constants.NGHTTP2_PROTOCOL_ERROR });
      expect(attempts).toBe(0);
    },
  );

  it("does not echo the path", async () => {
    const answer = await send(door.session, grpcHeaders("/s3ntinel.Service/Method"), framed(whoAmI, {}));
    const details = Buffer.from(String(answer.headers?.["grpc-status-details-bin"]), "base64").toString("latin1");
    expect(JSON.stringify(answer.headers) + details).not.toContain("s3ntinel");
  });
});
