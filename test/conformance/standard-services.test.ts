// Health and reflection through the same door as everything else, asked by an ordinary client.
import { readFile } from "node:fs/promises";
import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { policy } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { file_gatehouse_token_v1_token_service as tokenFile } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { ServerReflection } from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import { ServerReflection as ServerReflectionV1alpha } from "@gatehouse/proto/grpc/reflection/v1alpha/reflection_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Status } from "@gatehouse/proto/health/v1/health_pb.js";
import { Client, type ClientDuplexStream, type ClientReadableStream, credentials } from "@grpc/grpc-js";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { GatehouseError } from "../../src/kernel/errors.ts";
import { createHealth, type HealthReporter } from "../../src/rpc/health/service.ts";
import { createReflection } from "../../src/rpc/reflection/service.ts";
import { call, openTestDoor, pathOf, type TestDoor } from "./door.ts";

const served = ["gatehouse.token.v1.TokenService", "grpc.health.v1.Health"];
const descriptors = new URL("../../gen/descriptors.binpb", import.meta.url);

let door: TestDoor;
let health: HealthReporter;
let client: Client;
let readDescriptors: () => Promise<Uint8Array>;

beforeEach(async () => {
  health = createHealth({ unknownService: () => new GatehouseError("SERVICE_UNKNOWN") });
  readDescriptors = () => readFile(descriptors);
  const reflection = createReflection({ services: () => served, readDescriptors: () => readDescriptors() });
  door = await openTestDoor({ more: [health.binding, ...reflection] });
  client = new Client(door.door.address, credentials.createInsecure());
});
afterEach(async () => {
  client.close();
  await door.close();
});

const encodeFor =
  (method: DescMethod) =>
  (request: object): Buffer =>
    Buffer.from(toBinary(method.input, create(method.input, request as never)));
const decodeFor =
  <M extends DescMethod>(method: M) =>
  (bytes: Buffer) =>
    fromBinary(method.output, bytes) as MessageShape<M["output"]>;

function next<T>(stream: ClientReadableStream<T> | ClientDuplexStream<object, T>): Promise<T | "ended" | number> {
  return new Promise((resolve) => {
    const settle = (value: T | "ended" | number) => {
      stream.pause();
      stream.removeAllListeners("data");
      resolve(value);
    };
    stream.once("data", settle);
    stream.once("end", () => settle("ended"));
    stream.once("error", (error: Error & { code?: number }) => settle(error.code ?? -1));
    stream.resume();
  });
}

function watch(service: string) {
  const method = Health.method.watch;
  return client.makeServerStreamRequest(pathOf(method), encodeFor(method), decodeFor(method), { service });
}

describe("health", () => {
  const check = async (service: string) => call(door, Health.method.check, { service });

  it("RPC-02 needs no credential, and says what it was told", async () => {
    health.set("", "SERVING");
    const answer = await check("");
    expect(answer.code).toBe(0);
    expect(fromBinary(Health.method.check.output, answer.body.subarray(5)).status).toBe(Status.SERVING);
  });

  it("RPC-02 of an unknown service is NOT_FOUND with a reason, Trailers-Only", async () => {
    expect(await check("no.Such")).toMatchObject({
      code: 5,
      trailersOnly: true,
      status: { info: { reason: "SERVICE_UNKNOWN" } },
    });
  });

  it("RPC-02 leaves no record and counts against no limit, however often it is asked", async () => {
    for (let n = 0; n < 50; n++) await check("");
    expect(door.recorder.drafts).toEqual([]);
  });

  it("RPC-02 watched tells every change, and at the drain NOT_SERVING and then the end", async () => {
    health.set("", "SERVING");
    const stream = watch("");
    expect(await next(stream)).toMatchObject({ status: Status.SERVING });
    const change = next(stream);
    health.shutdown();
    expect(await change).toMatchObject({ status: Status.NOT_SERVING });
    expect(await next(stream)).toBe("ended");
  });

  it("RPC-02 watched does not hold up the drain", async () => {
    const stream = watch("");
    await next(stream);
    stream.on("error", () => {});
    health.shutdown();
    stream.resume();
    const began = performance.now();
    await door.door.stop(20_000);
    expect(performance.now() - began).toBeLessThan(10_000);
  });

  it("RPC-02 watched by someone who goes away ends without a line in the log", async () => {
    const stream = watch("");
    await next(stream);
    stream.on("error", () => {});
    stream.cancel();
    await check("");
    await check("");
    expect(door.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});

describe.each([
  ["v1", ServerReflection],
  ["v1alpha", ServerReflectionV1alpha],
] as const)("reflection %s", (_version, service) => {
  const method = service.method.serverReflectionInfo;

  function converse() {
    return client.makeBidiStreamRequest(pathOf(method), encodeFor(method), decodeFor(method)) as ClientDuplexStream<
      MessageInitShape<typeof method.input>,
      MessageShape<typeof method.output>
    >;
  }

  async function ask(messageRequest: { case: string; value: string }) {
    const stream = converse();
    stream.write({ messageRequest } as never);
    const answer = await next(stream as never);
    stream.end();
    return answer as MessageShape<typeof ServerReflection.method.serverReflectionInfo.output>;
  }

  it("lists the services", async () => {
    const { messageResponse } = await ask({ case: "listServices", value: "" });
    if (messageResponse.case !== "listServicesResponse") throw new Error("no list");
    expect(messageResponse.value.service.map(({ name }) => name).toSorted()).toEqual(served);
  });

  it("serves the contracts byte for byte, with our own options in them", async () => {
    const { messageResponse } = await ask({ case: "fileContainingSymbol", value: "gatehouse.token.v1.TokenService" });
    if (messageResponse.case !== "fileDescriptorResponse") throw new Error("no file");
    const [first = new Uint8Array(0)] = messageResponse.value.fileDescriptorProto;
    const file = fromBinary(FileDescriptorProtoSchema, first);
    expect(file.name).toBe(`${tokenFile.proto.name.replace(/\.proto$/, "")}.proto`);
    // Tag of the extension `gatehouse.options.v1.policy`, which a server that re-encodes would have dropped.
    const tag = Buffer.from([0x8a, 0xb5, 0x18]);
    expect(policy.number).toBe(50001);
    expect(Buffer.from(first).includes(tag)).toBe(true);
  });

  it("answers a question about nothing with an error, and goes on to the next", async () => {
    const stream = converse();
    stream.write({ messageRequest: { case: "fileContainingSymbol", value: "no.Such" } } as never);
    expect(await next(stream as never)).toMatchObject({
      messageResponse: { case: "errorResponse", value: { errorCode: 5 } },
    });
    stream.write({ messageRequest: { case: "listServices", value: "" } } as never);
    expect(await next(stream as never)).toMatchObject({ messageResponse: { case: "listServicesResponse" } });
    stream.end();
    expect(await next(stream as never)).toBe("ended");
  });

  it("that fails while its caller still has more to ask tells it so at once", async () => {
    readDescriptors = async () => Promise.reject(new Error("no such file"));
    const stream = converse();
    stream.write({ messageRequest: { case: "listServices", value: "" } } as never);
    expect(await next(stream as never)).toBe(13);
    expect(door.logger.lines).toMatchObject([{ level: "error", fields: { reason: "INTERNAL" } }]);
  });

  it("refuses a question that is none while its caller still has more to ask", async () => {
    const stream = client.makeBidiStreamRequest(
      pathOf(method),
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
    );
    stream.write(Buffer.from([0xff, 0xff, 0xff]));
    expect(await next(stream as never)).toBe(3);
  });

  it("given up in the middle is no failure of ours", async () => {
    const stream = converse();
    stream.write({ messageRequest: { case: "listServices", value: "" } } as never);
    await next(stream as never);
    stream.on("error", () => {});
    stream.cancel();
    await call(door, Health.method.list, {});
    await call(door, Health.method.list, {});
    expect(door.logger.lines.filter(({ level }) => level === "error")).toEqual([]);
  });
});
