// Streams over the web door: Connect's and gRPC-Web's, their ends, and callers that go away.
import { once } from "node:events";
import { request as httpRequest } from "node:http";
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Health, HealthCheckRequestSchema, HealthCheckResponseSchema } from "@gatehouse/proto/health/v1/health_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { createReflection } from "../../src/rpc/reflection/service.ts";
import { frame, pathOf } from "./door.ts";
import {
  ask,
  askHttp2,
  envelopesIn,
  openTestWebDoor,
  reasonOf,
  sessionOf,
  type TestWebDoor,
  trailersIn,
  type WebJson,
} from "./web-door.ts";

const watch = pathOf(Health.method.watch);
const serviceRequest = (service: string) =>
  frame(toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })));
const json = (value: unknown, flags = 0) => frame(Buffer.from(JSON.stringify(value)), flags);

let door: TestWebDoor;

beforeAll(async () => {
  door = await openTestWebDoor({
    more: createReflection({ services: () => ["grpc.health.v1.Health"], readDescriptors: async () => Buffer.of() }),
  });
});
afterAll(() => door.close());

/** Opens a stream and hands out its messages one by one. */
async function watching(port: number, type: string, body: Uint8Array) {
  const request = httpRequest({
    port,
    host: "127.0.0.1",
    path: watch,
    method: "POST",
    headers: { "content-type": type },
    agent: false,
  });
  request.on("error", () => {});
  request.end(body);
  const [response] = (await once(request, "response")) as [import("node:http").IncomingMessage];
  response.on("error", () => {});
  let held = Buffer.alloc(0);
  const chunks = response.iterator({ destroyOnReturn: false });
  return {
    request,
    response,
    async next() {
      for (;;) {
        if (held.length >= 5 && held.length >= 5 + held.readUInt32BE(1)) {
          const end = 5 + held.readUInt32BE(1);
          const envelope = { flags: held.readUInt8(0), bytes: held.subarray(5, end) };
          held = held.subarray(end);
          return envelope;
        }
        const chunk = await chunks.next();
        if (chunk.done) return undefined;
        held = Buffer.concat([held, chunk.value as Buffer]);
      }
    },
  };
}

describe("a stream of answers", () => {
  it("comes message by message in Connect's JSON, and ends with an envelope of its own", async () => {
    const own = await openTestWebDoor();
    own.health.set("x", "NOT_SERVING");
    const stream = await watching(own.port, "application/connect+json", json({ service: "x" }));
    expect(stream.response.headers["content-type"]).toBe("application/connect+json");
    expect(stream.response.headers["x-content-type-options"]).toBe("nosniff");
    expect(JSON.parse(String((await stream.next())?.bytes))).toEqual({ status: "NOT_SERVING" });
    own.health.set("x", "SERVING");
    expect(JSON.parse(String((await stream.next())?.bytes))).toEqual({ status: "SERVING" });
    own.health.shutdown();
    expect(JSON.parse(String((await stream.next())?.bytes))).toEqual({ status: "NOT_SERVING" });
    expect(await stream.next()).toEqual({ flags: 2, bytes: Buffer.from("{}") });
    expect(await stream.next()).toBeUndefined();
    await own.close();
  });

  it("comes in gRPC-Web with trailers at its end", async () => {
    const own = await openTestWebDoor();
    const stream = await watching(own.port, "application/grpc-web+proto", serviceRequest(""));
    expect(fromBinary(HealthCheckResponseSchema, (await stream.next())?.bytes ?? Buffer.of()).status).toBe(2);
    own.health.shutdown();
    expect(await stream.next()).toEqual({ flags: 0x80, bytes: Buffer.from("grpc-status: 0\r\n") });
    await own.close();
  });

  it("RPC-05 ends when its caller goes away", async () => {
    const ended = Promise.withResolvers<void>();
    const own = await openTestWebDoor();
    const entry = own.table.get(watch);
    const handler = entry?.handler as (
      request: never,
      call: { readonly signal: AbortSignal },
    ) => AsyncIterable<unknown>;
    Object.assign(entry ?? {}, {
      handler: (request: never, call: { readonly signal: AbortSignal }) => {
        call.signal.addEventListener("abort", () => ended.resolve());
        return handler(request, call);
      },
    });
    const stream = await watching(own.port, "application/connect+json", json({}));
    await stream.next();
    stream.request.destroy();
    await ended.promise;
    await own.close();
  });

  it.each([
    ["no message", Buffer.of(), "REQUEST_MALFORMED"],
    ["two messages", Buffer.concat([json({}), json({})]), "REQUEST_MALFORMED"],
    ["an end of the caller's", json({}, 2), "REQUEST_MALFORMED"],
    ["no JSON", frame(Buffer.from("{canary")), "REQUEST_MALFORMED"],
    ["an unknown field", json({ canary: 1 }), "REQUEST_INVALID"],
    ["a compressed message without an encoding", json({}, 1), "ENCODING_MISSING"],
  ])("refuses %s in its last envelope", async (_, body, reason) => {
    const answer = await ask(door, watch, {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body,
    });
    expect(answer.status).toBe(200);
    const [end, ...more] = envelopesIn(answer.body);
    expect([end?.flags, more.length]).toEqual([2, 0]);
    const { error } = JSON.parse(String(end?.bytes)) as { error: WebJson };
    expect(reasonOf({ ...answer, json: error })).toBe(reason);
    expect(answer.body.toString()).not.toContain("canary");
  });

  it("refuses headers that are wrong, in the same place", async () => {
    const headers = { "content-type": "application/connect+json", "connect-content-encoding": "rot13" };
    const answer = await ask(door, watch, { method: "POST", headers, body: json({}) });
    expect(String(envelopesIn(answer.body)[0]?.bytes)).toContain('"unimplemented"');
    expect(answer.headers["connect-accept-encoding"]).toBe("gzip");
  });
});

describe("a stream in both ways", () => {
  const reflection = "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo";

  it("works over HTTP/2", async () => {
    const session = sessionOf(door);
    const answer = await askHttp2(session, reflection, {
      method: "POST",
      headers: { "content-type": "application/connect+json" },
      body: Buffer.concat([json({ listServices: "" }), json({ listServices: "" })]),
    });
    const [first, second, end] = envelopesIn(answer.body);
    expect(String(first?.bytes)).toContain("grpc.health.v1.Health");
    expect(String(second?.bytes)).toContain("grpc.health.v1.Health");
    expect(end).toEqual({ flags: 2, bytes: Buffer.from("{}") });
    session.close();
  });

  it("is refused over HTTP/1.1, where nobody could read it as it comes", async () => {
    const headers = { "content-type": "application/connect+json" };
    const answer = await ask(door, reflection, { method: "POST", headers, body: json({}) });
    expect([answer.status, answer.headers.connection]).toEqual([505, "close"]);
  });

  it("ends with the reason when a message in it is none", async () => {
    const session = sessionOf(door);
    const answer = await askHttp2(session, reflection, {
      method: "POST",
      headers: { "content-type": "application/grpc-web+proto" },
      body: frame(Buffer.from([0xff])),
    });
    expect(trailersIn(answer.body)["grpc-status"]).toBe("3");
    session.close();
  });
});
