// Streams over a real connection. Gatehouse's own services have none yet, so health and reflection stand in.

import { createAsyncIterable } from "@connectrpc/connect/protocol";
import { ServerReflection } from "@gatehouse/proto/grpc/reflection/v1/reflection_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@gatehouse/proto/health/v1/health_pb.js";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { createGrpcTransport } from "../src/transport/grpc.ts";
import { connect } from "./scripted-client.ts";
import { refusal, startServer } from "./scripted-server.ts";

const { watch } = Health.method;
const { serverReflectionInfo } = ServerReflection.method;

async function collect<T>(stream: AsyncIterable<T>, into: T[] = []): Promise<T[]> {
  for await (const item of stream) into.push(item);
  return into;
}

describe("a server stream", () => {
  it("hands out every message, and ends", async () => {
    const server = await startServer();
    server.onStream(watch, (wire) => {
      for (const state of [Serving.SERVING, Serving.NOT_SERVING]) wire.write({ status: state });
      wire.end();
    });
    const states = await collect(connect(server).client(Health).watch({ service: "a" }));
    expect(states.map((each) => each.status)).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
  });

  it("ends with a typed error, after the messages before it", async () => {
    const server = await startServer();
    server.onStream(watch, (wire) => {
      wire.write({ status: Serving.SERVING });
      wire.emit("error", refusal({ code: status.UNAUTHENTICATED, reason: "CREDENTIAL_INVALID" }));
    });
    const seen: unknown[] = [];
    const stream = connect(server).client(Health).watch({});
    await expect(collect<unknown>(stream, seen)).rejects.toMatchObject({ name: "InvalidToken", errorId: "e-1" });
    expect(seen).toHaveLength(1);
  });

  it("fails with a typed error when the server refuses at once", async () => {
    const server = await startServer();
    server.onStream(watch, (wire) => {
      wire.emit("error", refusal({ code: status.RESOURCE_EXHAUSTED, reason: "RATE_LIMITED" }));
    });
    await expect(collect(connect(server).client(Health).watch({}))).rejects.toMatchObject({ name: "RateLimited" });
  });

  // The clients of connect swallow a `break`; the transport itself must not.
  it("tells the server when the reader of the transport breaks out", async () => {
    const server = await startServer();
    const told = Promise.withResolvers<void>();
    server.onStream(watch, (wire) => {
      wire.on("cancelled", () => told.resolve());
      wire.write({ status: Serving.SERVING });
    });
    const { transport, close } = createGrpcTransport({ address: server.address });
    onTestFinished(close);
    const { message } = await transport.stream(watch, undefined, undefined, {}, createAsyncIterable([{}]));
    for await (const { status: state } of message) {
      expect(state).toBe(Serving.SERVING);
      break;
    }
    await told.promise;
  });

  it("is cancelled by its signal", async () => {
    const server = await startServer();
    const caller = new AbortController();
    server.onStream(watch, (wire) => void wire.write({ status: Serving.SERVING }));
    const read = async () => {
      for await (const _ of connect(server).client(Health).watch({}, { signal: caller.signal })) caller.abort();
    };
    await expect(read()).rejects.toMatchObject({ reason: "CANCELLED" });
  });

  it("has a deadline like every call, unless it says Infinity", async () => {
    const server = await startServer();
    server.onStream(watch, (wire) => {
      // Whether the first of them gets here before its deadline is chance.
      if (wire.getDeadline() === Number.POSITIVE_INFINITY) wire.end();
    });
    const health = connect(server, { deadlineMs: 40 }).client(Health);
    await expect(collect(health.watch({}))).rejects.toMatchObject({ reason: "DEADLINE_EXCEEDED" });
    expect(await collect(health.watch({}, { timeoutMs: Number.POSITIVE_INFINITY }))).toEqual([]);
  });
});

describe("a stream both ways", () => {
  it("answers each message as it is sent", async () => {
    const server = await startServer();
    server.onStream(serverReflectionInfo, (wire) => {
      wire.on("data", ({ host }: { host: string }) => void wire.write({ validHost: `${host}!` }));
      wire.on("end", () => wire.end());
    });
    let answered = (): void => undefined;
    async function* ask() {
      for (const host of ["a", "b"]) {
        const answer = new Promise<void>((resolve) => {
          answered = resolve;
        });
        yield { host };
        await answer;
      }
    }
    const hosts: string[] = [];
    for await (const { validHost } of connect(server).client(ServerReflection).serverReflectionInfo(ask())) {
      hosts.push(validHost);
      answered();
    }
    expect(hosts).toEqual(["a!", "b!"]);
  });

  it("keeps order under back-pressure", async () => {
    const server = await startServer();
    server.onStream(serverReflectionInfo, (wire) => {
      wire.on("data", ({ host }: { host: string }) => void wire.write({ validHost: host.slice(0, 8) }));
      wire.on("end", () => wire.end());
    });
    const padding = "x".repeat(20_000);
    async function* ask() {
      for (let n = 0; n < 300; n++) yield { host: `${n}`.padStart(8, "0") + padding };
    }
    const answers = await collect(connect(server).client(ServerReflection).serverReflectionInfo(ask()));
    expect(answers.map(({ validHost }) => Number(validHost))).toEqual(Array.from({ length: 300 }, (_, n) => n));
  });

  it("fails with what the sending side threw, and tells the server", async () => {
    const server = await startServer();
    const here = Promise.withResolvers<void>();
    const told = Promise.withResolvers<void>();
    server.onStream(serverReflectionInfo, (wire) => {
      wire.on("data", () => here.resolve());
      wire.on("cancelled", () => told.resolve());
    });
    async function* ask() {
      yield { host: "a" };
      await here.promise;
      throw new Error("no more");
    }
    const stream = connect(server).client(ServerReflection).serverReflectionInfo(ask());
    await expect(collect(stream)).rejects.toMatchObject({ cause: { cause: { message: "no more" } } });
    await told.promise;
  });
});
