// Calls over the web door: JSON and binary, one answer and many, and that nobody passes the gate with his body first.

import { connect } from "node:net";
import { inspect } from "node:util";
import { gzipSync } from "node:zlib";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  AuthService,
  LoginRequestSchema,
  WhoAmIResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { errorTable, GatehouseError, grpcCode, type Reason } from "../../src/kernel/errors.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { frame, pathOf } from "./door.ts";
import {
  ask,
  askHttp2,
  callJson,
  envelopesIn,
  openTestWebDoor,
  reasonOf,
  sessionOf,
  type TestWebDoor,
  trailersIn,
} from "./web-door.ts";

const { login, whoAmI } = AuthService.method;
const { getSecret, putSecret } = SecretsService.method;
const reasons = Object.keys(errorTable) as Reason[];
const bearer = (token: string) => ({ authorization: `Bearer ${token}` });
const grpcWeb = { "content-type": "application/grpc-web+proto", "x-grpc-web": "1" };

let door: TestWebDoor;
const put: { path: string; value: Uint8Array }[] = [];

beforeAll(async () => {
  door = await openTestWebDoor({
    tokens: {
      good: principalOf({ grants: [allow("secrets.read", ""), allow("secrets.write", "")] }),
      narrow: principalOf({ grants: [allow("secrets.read", "")], scopes: ["audit.read"] }),
      expired: "TOKEN_EXPIRED",
    },
    script: {
      "AuthService/Login": async (request: { loginName: string; password: string }) => {
        if (request.loginName === "crash") throw new Error(`password authentication failed for user "gatehouse_app"`);
        throw new GatehouseError(request.loginName as Reason, { message: request.password });
      },
      "AuthService/WhoAmI": async () => ({ principalId: "prn_x" }),
      "SecretsService/PutSecret": async (request: { path: string; value: Uint8Array }) => {
        put.push(request);
        return {};
      },
    },
  });
});
afterAll(() => door.close());

describe("a call in JSON", () => {
  it("answers in protobuf's JSON form", async () => {
    const answer = await callJson(door, whoAmI, {}, bearer("good"));
    expect(answer).toMatchObject({ status: 200, json: { principalId: "prn_x" } });
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  it.each([
    ["snake_case", { path: "a/b", value: "czNjcjN0", check_and_set: 1 }],
    ["camelCase", { path: "a/b", value: "czNjcjN0", checkAndSet: 1 }],
  ])("takes fields in %s and bytes in base64", async (_, { path, value }) => {
    put.length = 0;
    const answer = await callJson(door, putSecret, { path, value }, bearer("good"));
    expect(answer.status).toBe(200);
    expect(put.map((one) => [one.path, Buffer.from(one.value).toString()])).toEqual([["a/b", "s3cr3t"]]);
  });

  it("takes login_name and loginName alike", async () => {
    for (const name of ["login_name", "loginName"]) {
      const answer = await callJson(door, login, { [name]: "LOGIN_BUSY", password: "x" });
      expect(reasonOf(answer)).toBe("LOGIN_BUSY");
    }
  });

  it("P-03 refuses a field that the request does not have, and does not repeat its name", async () => {
    const answer = await callJson(door, login, { loginName: "a", passwort: "hunter2-canary" });
    expect(answer).toMatchObject({ status: 400, json: { code: "invalid_argument" } });
    expect(reasonOf(answer)).toBe("REQUEST_INVALID");
    expect(answer.json?.details?.map(({ type }) => type)).toContain("google.rpc.BadRequest");
    expect(answer.body.toString()).not.toMatch(/passwort|hunter2/);
  });

  it("P-03 names the field whose value is of the wrong form", async () => {
    const answer = await callJson(door, login, { loginName: { nested: "canary-value" } });
    const violations = answer.json?.details?.find(({ type }) => type === "google.rpc.BadRequest")?.debug;
    expect(violations).toMatchObject({ fieldViolations: [{ field: "login_name" }] });
    expect(answer.body.toString()).not.toContain("canary-value");
  });

  it.each([
    ["no JSON", "{canary", "REQUEST_MALFORMED"],
    ["bad UTF-8", Buffer.from([0x22, 0xff, 0xfe, 0x22]), "REQUEST_MALFORMED"],
    ["another type", `["canary"]`, "REQUEST_MALFORMED"],
    ["a field given twice", `{"login_name":"canary","loginName":"b"}`, "REQUEST_INVALID"],
    ["what JavaScript would take for a prototype", `{"__proto__":{"canary":1}}`, "REQUEST_INVALID"],
    ["depth", `{"login_name":${"[".repeat(1_500)}${"]".repeat(1_500)}}`, "REQUEST_INVALID"],
  ])("RPC-08 refuses %s with a reason and without echo", async (_, body, reason) => {
    const answer = await ask(door, pathOf(login), {
      method: "POST",
      headers: { "content-type": "application/json" },
      body,
    });
    expect(answer.status).toBe(reason === "REQUEST_TOO_LARGE" ? 429 : 400);
    expect(reasonOf(answer)).toBe(reason);
    expect(answer.body.toString()).not.toContain("canary");
  });

  it("RPC-06 refuses a body beyond the method's limit, announced or not", async () => {
    const long = `{"login_name":"${"x".repeat(64 * 1024)}"}`;
    for (const headers of [{}, { "transfer-encoding": "chunked" }]) {
      const answer = await callJson(door, login, long, headers);
      expect(reasonOf(answer)).toBe("REQUEST_TOO_LARGE");
    }
  });

  it.each(reasons)("RPC-01 %s has the code, the HTTP status and the details of its protocol", async (reason) => {
    const answer = await callJson(door, login, { loginName: reason, password: "says why" });
    expect(answer.json?.message).toBe("says why");
    expect(reasonOf(answer)).toBe(reason);
    const status = { 1: 499, 3: 400, 4: 504, 5: 404, 6: 409, 7: 403, 8: 429, 9: 400, 10: 409, 11: 400, 12: 501 };
    const { code } = errorTable[reason];
    const later = { 13: 500, 14: 503, 15: 500, 16: 401 };
    expect(answer.status).toBe(({ ...status, ...later } as Record<number, number>)[grpcCode[code]]);
    expect(answer.json?.code).toBe(code === "CANCELLED" ? "canceled" : code.toLowerCase());
  });

  it("RPC-09 P-09 says nothing of what it fell over", async () => {
    const answer = await callJson(door, login, { loginName: "crash", password: "x" });
    expect(answer.status).toBe(500);
    expect(answer.body.toString()).not.toMatch(/gatehouse_app|password authentication|at .*\.ts|node/);
    expect(door.logger.lines.some((line) => inspect(line).includes("gatehouse_app"))).toBe(true);
  });
});

describe("the gate", () => {
  it("RPC-12 refuses before it reads a byte of the body", async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(door.port, "127.0.0.1");
      socket.once("data", (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
      // Not one byte of the body follows, nor ever will.
      socket.write(
        `POST ${pathOf(getSecret)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 401 /);
    expect(answer).toContain("CREDENTIAL_MISSING");
  });

  it("asks for the body of a client that waits (100-continue) only once the caller is known", async () => {
    const first = (authorization: string) =>
      new Promise<string>((resolve) => {
        const socket = connect(door.port, "127.0.0.1");
        socket.once("data", (bytes) => {
          resolve(bytes.toString().split("\r\n")[0] ?? "");
          socket.destroy();
        });
        socket.write(
          `POST ${pathOf(getSecret)} HTTP/1.1\r\nHost: x\r\n${authorization}Content-Type: application/json\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n`,
        );
      });
    expect(await first("")).toBe("HTTP/1.1 401 Unauthorized");
    expect(await first("Authorization: Bearer good\r\n")).toBe("HTTP/1.1 100 Continue");
  });

  it.each<[string, Record<string, string | string[]>, number, string]>([
    ["none", {}, 401, 'Bearer realm="gatehouse"'],
    ["a dead one", bearer("expired"), 401, 'Bearer realm="gatehouse", error="invalid_token"'],
    ["two", { authorization: ["Bearer good", "Bearer good"] }, 401, 'Bearer realm="gatehouse", error="invalid_token"'],
    [
      "one of too few scopes",
      bearer("narrow"),
      403,
      'Bearer realm="gatehouse", error="insufficient_scope", scope="secrets.read"',
    ],
  ])("answers a credential that is %s with a challenge (RFC 6750)", async (_, headers, status, challenge) => {
    const answer = await callJson(door, getSecret, { path: "a/b" }, headers);
    expect(answer.status).toBe(status);
    expect(answer.headers["www-authenticate"]).toBe(challenge);
  });

  it("is passed before what is wrong with the headers is told, and what it refuses is on record", async () => {
    const wrong = { "content-encoding": "rot13", "connect-timeout-ms": "soon" };
    expect(reasonOf(await callJson(door, getSecret, {}, wrong))).toBe("CREDENTIAL_MISSING");
    const before = door.recorder.drafts.length;
    expect(reasonOf(await callJson(door, getSecret, {}, { ...wrong, ...bearer("good") }))).toBe("METADATA_INVALID");
    expect(door.recorder.drafts.length).toBe(before + 1);
  });
});

describe("a call in binary form", () => {
  const headers = { "content-type": "application/proto", ...bearer("good") };

  it("answers in binary form", async () => {
    const answer = await ask(door, pathOf(whoAmI), { method: "POST", headers, body: new Uint8Array(0) });
    expect(answer.headers["content-type"]).toBe("application/proto");
    expect(fromBinary(WhoAmIResponseSchema, answer.body).principalId).toBe("prn_x");
  });

  it("tells its errors in JSON", async () => {
    const answer = await ask(door, pathOf(login), {
      method: "POST",
      headers,
      body: toBinary(LoginRequestSchema, create(LoginRequestSchema, { loginName: "LOGIN_BUSY", password: "x" })),
    });
    expect(answer).toMatchObject({ status: 429, json: { code: "resource_exhausted" } });
    expect(answer.headers["content-type"]).toBe("application/json");
  });

  it("RPC-07 takes gzip, stops a bomb at the limit, and knows no other encoding", async () => {
    const request = toBinary(
      LoginRequestSchema,
      create(LoginRequestSchema, { loginName: "LOGIN_BUSY", password: "x" }),
    );
    const send = (encoding: string, body: Uint8Array) =>
      ask(door, pathOf(login), { method: "POST", headers: { ...headers, "content-encoding": encoding }, body });
    expect(reasonOf(await send("gzip", gzipSync(request)))).toBe("LOGIN_BUSY");
    expect(reasonOf(await send("gzip", gzipSync(Buffer.alloc(8 * 1024 * 1024))))).toBe("REQUEST_TOO_LARGE");
    expect(reasonOf(await send("gzip", request))).toBe("REQUEST_MALFORMED");
    const unknown = await send("rot13", request);
    expect([reasonOf(unknown), unknown.status]).toEqual(["ENCODING_UNKNOWN", 501]);
    expect(unknown.headers["accept-encoding"]).toBe("gzip");
    expect(unknown.body.toString()).not.toContain("rot13");
  });
});

describe("a call in gRPC-Web", () => {
  const send = (body: Uint8Array, more = {}) =>
    ask(door, pathOf(whoAmI), { method: "POST", headers: { ...grpcWeb, ...bearer("good"), ...more }, body });

  it("has its answer and its trailers in envelopes", async () => {
    const answer = await send(frame(new Uint8Array(0)));
    expect(answer.status).toBe(200);
    const [message, trailers] = envelopesIn(answer.body);
    expect(fromBinary(WhoAmIResponseSchema, message?.bytes ?? new Uint8Array(0)).principalId).toBe("prn_x");
    expect(trailers?.flags).toBe(0x80);
    expect(trailersIn(answer.body)).toEqual({ "grpc-status": "0" });
  });

  it.each([
    ["no message", new Uint8Array(0), "REQUEST_MALFORMED"],
    ["two messages", Buffer.concat([frame(new Uint8Array(0)), frame(new Uint8Array(0))]), "REQUEST_MALFORMED"],
    ["half a message", Buffer.from([0, 0, 0, 0, 9, 1]), "REQUEST_MALFORMED"],
    ["half an envelope", Buffer.from([0, 0]), "REQUEST_MALFORMED"],
    ["unknown flags", frame(new Uint8Array(0), 0x80), "REQUEST_MALFORMED"],
    ["a length beyond the limit", Buffer.from([0, 0xff, 0xff, 0xff, 0xff]), "REQUEST_TOO_LARGE"],
    ["a compressed message without an encoding", frame(gzipSync(""), 1), "ENCODING_MISSING"],
  ])("RPC-01 refuses %s", async (_, body, reason) => {
    const trailers = trailersIn((await send(body)).body);
    expect(trailers["grpc-status"]).toBe(String(grpcCode[errorTable[reason as Reason].code]));
    expect(Buffer.from(trailers["grpc-status-details-bin"] ?? "", "base64").toString("latin1")).toContain(reason);
  });

  it("takes compressed messages", async () => {
    const answer = await send(frame(gzipSync(new Uint8Array(0)), 1), { "grpc-encoding": "gzip" });
    expect(trailersIn(answer.body)).toEqual({ "grpc-status": "0" });
  });

  it("tells an unknown method in trailers, where its clients look", async () => {
    const answer = await ask(door, "/no.Such/Method", { method: "POST", headers: grpcWeb, body: frame(Buffer.of()) });
    expect([answer.status, trailersIn(answer.body)["grpc-status"]]).toEqual([200, "12"]);
  });
});

describe("RPC-05 a deadline", () => {
  it.each([
    ["connect-timeout-ms", "soon"],
    ["connect-timeout-ms", "-1"],
    ["connect-timeout-ms", "12345678901"],
  ])("that is no time (%s: %s) is refused", async (name, value) => {
    const answer = await callJson(door, whoAmI, {}, { ...bearer("good"), [name]: value });
    expect([answer.status, reasonOf(answer)]).toEqual([400, "METADATA_INVALID"]);
  });

  it("that has passed already ends the call", async () => {
    const answer = await callJson(door, whoAmI, {}, { ...bearer("good"), "connect-timeout-ms": "0" });
    expect([answer.status, reasonOf(answer)]).toEqual([504, "DEADLINE_EXCEEDED"]);
  });

  it("ends a request that comes too slowly", async () => {
    const answer = await new Promise<string>((resolve) => {
      const socket = connect(door.port, "127.0.0.1");
      socket.once("data", (bytes) => {
        resolve(bytes.toString());
        socket.destroy();
      });
      socket.write(
        `POST ${pathOf(login)} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nConnect-Timeout-Ms: 50\r\nContent-Length: 100\r\n\r\n{`,
      );
    });
    expect(answer).toMatch(/^HTTP\/1\.1 504 /);
    expect(answer).toContain("DEADLINE_EXCEEDED");
  });
});

describe("a GET", () => {
  const jwks = pathOf(TokenService.method.getJwks);

  it("calls what anybody may ask without effect", async () => {
    const json = await ask(door, `${jwks}?connect=v1&encoding=json&message=%7B%7D`);
    expect(json).toMatchObject({ status: 200, json: {} });
    expect((await ask(door, `${jwks}?connect=v1&encoding=proto&base64=1&message=`)).status).toBe(200);
  });

  it.each([
    ["a method with effects", pathOf(login)],
    ["a method that wants a credential", pathOf(whoAmI)],
    ["a method that reads secrets", pathOf(getSecret)],
  ])("does not call %s: nothing secret stands in a URL", async (_, path) => {
    const answer = await ask(door, `${path}?connect=v1&encoding=json&message=%7B%7D`, { headers: bearer("good") });
    expect([answer.status, answer.headers.allow, reasonOf(answer)]).toEqual([405, "POST", "METADATA_INVALID"]);
  });

  it.each(["", "?encoding=xml&message=", "?encoding=json&compression=gzip&message=x"])(
    "without the query of a call (%s) is refused",
    async (query) => expect((await ask(door, `${jwks}${query}`)).status).toBe(400),
  );
});

describe("over HTTP/2", () => {
  it("answers the same", async () => {
    const session = sessionOf(door);
    const headers = { "content-type": "application/json", ...bearer("good") };
    const answer = await askHttp2(session, pathOf(whoAmI), { method: "POST", headers, body: "{}" });
    expect(answer).toMatchObject({ status: 200, json: { principalId: "prn_x" } });
    session.close();
  });

  it("lets many calls share a connection", async () => {
    const session = sessionOf(door);
    const headers = { "content-type": "application/json", ...bearer("good") };
    const one = () => askHttp2(session, pathOf(whoAmI), { method: "POST", headers, body: "{}" });
    const answers = await Promise.all(Array.from({ length: 50 }, one));
    expect(answers.every(({ status }) => status === 200)).toBe(true);
    session.close();
  });
});
