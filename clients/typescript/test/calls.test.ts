// Calls over a real connection to a scripted server: deadlines, cancellation, retries, request ids, headers, errors.
import { randomUUID } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { create } from "@bufbuild/protobuf";
import { GrantService } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { PutSecretRequestSchema, SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { Health, HealthCheckResponse_ServingStatus as Serving } from "@gatehouse/proto/health/v1/health_pb.js";
import { status } from "@grpc/grpc-js";
import { describe, expect, it, onTestFinished } from "vitest";
import { createGatehouse } from "../src/create-gatehouse.ts";
import { OutcomeUnknown, Unavailable, ValidationError, VersionConflict } from "../src/errors/kinds.ts";
import { connect } from "./scripted-client.ts";
import { refusal, startServer, strangeRefusal } from "./scripted-server.ts";

const { getSecret, putSecret, deleteSecret } = SecretsService.method;
const unavailable = refusal({ code: status.UNAVAILABLE, reason: "DATABASE_UNAVAILABLE" });

describe("a call", () => {
  it("carries messages both ways", async () => {
    const server = await startServer();
    server.on(getSecret, ({ request }) => ({ value: Buffer.from(request.path), version: { version: 3 } }));
    const answer = await connect(server).secrets.getSecret({ path: "a/b" });
    expect(Buffer.from(answer.value).toString()).toBe("a/b");
    expect(answer.version?.version).toBe(3);
  });

  it("goes through a Unix socket", async () => {
    const directory = mkdtempSync(join(tmpdir(), "gh-"));
    onTestFinished(() => rmSync(directory, { recursive: true }));
    const server = await startServer(`unix:${directory}/s`);
    server.on(getSecret, () => ({ value: Buffer.from("v") }));
    expect((await connect(server).secrets.getSecret({ path: "a" })).value).toHaveLength(1);
  });

  it("names the client, sends headers and hands out headers and trailers, binary ones included", async () => {
    const server = await startServer();
    server.on(getSecret, ({ metadata, wire }) => {
      expect(metadata.get("user-agent")[0]).toMatch(/^gatehouse-client\/\d/);
      expect(metadata.get("x-request-id")).toEqual(["r-1"]);
      expect(metadata.get("trace-bin")).toEqual([Buffer.from([0, 255])]);
      wire.sendMetadata(metadata);
      return {};
    });
    const seen: (string | null)[] = [];
    await connect(server).secrets.getSecret(
      { path: "a" },
      {
        headers: { "x-request-id": "r-1", "trace-bin": "AP8" },
        onHeader: (headers) => seen.push(headers.get("x-request-id"), headers.get("trace-bin")),
        onTrailer: (trailers) => seen.push(trailers.get("x-request-id")),
      },
    );
    expect(seen).toEqual(["r-1", "AP8", null]);
  });

  it("shows trailers of an error under the cause", async () => {
    const server = await startServer();
    const trailers = { "x-ratelimit-remaining": "0" };
    server.on(getSecret, () => {
      throw refusal({ code: status.RESOURCE_EXHAUSTED, reason: "RATE_LIMITED", retryAfterMs: 1_200, trailers });
    });
    const error = await connect(server)
      .secrets.getSecret({ path: "a" })
      .catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ name: "RateLimited", retryAfterMs: 1_200 });
    const { cause } = error as { cause: { metadata: Headers } };
    expect(cause.metadata.get("x-ratelimit-remaining")).toBe("0");
  });
});

describe("errors over the wire", () => {
  it("are typed", async () => {
    const server = await startServer();
    server.on(putSecret, () => {
      const metadata = { current_version: "7" };
      throw refusal({ code: status.ABORTED, reason: "SECRET_VERSION_CONFLICT", metadata });
    });
    server.on(getSecret, () => {
      const violations = [{ field: "path", description: "must not be empty" }];
      throw refusal({ code: status.INVALID_ARGUMENT, reason: "REQUEST_INVALID", violations });
    });
    const { secrets } = connect(server);
    const conflict = await secrets.putSecret({ path: "a" }).catch((error: unknown) => error);
    expect(conflict).toBeInstanceOf(VersionConflict);
    expect(conflict).toMatchObject({ errorId: "e-1", code: "SEC-TEST-001", metadata: { current_version: "7" } });
    const invalid = await secrets.getSecret({ path: "" }).catch((error: unknown) => error);
    expect(invalid).toBeInstanceOf(ValidationError);
    expect(invalid).toMatchObject({ violations: [{ field: "path" }] });
  });

  it.each([
    ["no message at all", [255, 255, 255, 255]],
    ["cut off", [0x1a, 0x40, 0x0a]],
    ["empty", []],
    ["a detail of an unknown type", [0x1a, 0x05, 0x0a, 0x03, 0x78, 0x2f, 0x79]],
  ])("survive details that are %s", async (_what, bytes) => {
    const server = await startServer();
    server.on(getSecret, () => {
      throw strangeRefusal(status.NOT_FOUND, Uint8Array.from(bytes));
    });
    await expect(connect(server).secrets.getSecret({ path: "a" })).rejects.toMatchObject({
      reason: "UNKNOWN",
      grpcCode: 5,
      message: "strange",
    });
  });
});

describe("deadlines", () => {
  it("are on every call, 5 s by default", async () => {
    const server = await startServer();
    server.on(getSecret, () => ({}));
    await using client = createGatehouse({ address: server.address });
    const begun = Date.now();
    await client.secrets.getSecret({ path: "a" });
    const deadline = new Date(server.calls[0]?.deadline as Date).getTime();
    // The server counts what was left at the sending from the moment when it came, by a clock of whole milliseconds.
    expect(deadline).toBeGreaterThanOrEqual(begun + 5_000 - 2);
    expect(deadline).toBeLessThanOrEqual(Date.now() + 5_000);
  });

  it("can be given to the client and to the call", async () => {
    const server = await startServer();
    server.on(getSecret, () => new Promise(() => undefined));
    const expected = { reason: "DEADLINE_EXCEEDED", grpcCode: 4 };
    await expect(connect(server, { deadlineMs: 30 }).secrets.getSecret({ path: "a" })).rejects.toMatchObject(expected);
    const { secrets } = connect(server);
    await expect(secrets.getSecret({ path: "a" }, { timeoutMs: 30 })).rejects.toMatchObject(expected);
  });

  it("hold while the server cannot be reached", async () => {
    const server = await startServer();
    server.stop();
    const { secrets } = connect(server, { retry: { maxAttempts: 1 } });
    await expect(secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "UNREACHABLE" });
  });

  it.each([0, -1, Number.NaN])("refuse %s", async (timeoutMs) => {
    const server = await startServer();
    await expect(connect(server).secrets.getSecret({ path: "a" }, { timeoutMs })).rejects.toThrow(RangeError);
    expect(() => connect(server, { deadlineMs: timeoutMs })).toThrow(RangeError);
    expect(server.calls).toHaveLength(0);
  });
});

describe("cancellation", () => {
  it("reaches the server", async () => {
    const server = await startServer();
    const caller = new AbortController();
    const serverTold = new Promise<void>((resolve) => {
      server.on(getSecret, ({ wire }) => {
        wire.on("cancelled", () => resolve());
        caller.abort();
        return new Promise(() => undefined);
      });
    });
    const call = connect(server).secrets.getSecret({ path: "a" }, { signal: caller.signal });
    await expect(call).rejects.toMatchObject({ reason: "CANCELLED", grpcCode: 1 });
    await serverTold;
  });

  it("before the call sends nothing", async () => {
    const server = await startServer();
    const call = connect(server).secrets.getSecret({ path: "a" }, { signal: AbortSignal.abort() });
    await expect(call).rejects.toMatchObject({ reason: "CANCELLED" });
    expect(server.calls).toHaveLength(0);
  });
});

describe("retries", () => {
  it("repeat a read on UNAVAILABLE", async () => {
    const server = await startServer();
    server.on(getSecret, () => {
      if (server.calls.length < 3) throw unavailable;
      return { value: Buffer.from("v") };
    });
    expect((await connect(server).secrets.getSecret({ path: "a" })).value).toHaveLength(1);
    expect(server.calls).toHaveLength(3);
  });

  it("repeat a write with one and the same request id, the client's or the caller's", async () => {
    const server = await startServer();
    server.on(putSecret, () => {
      if (server.calls.length % 2 === 1) throw refusal({ code: status.UNAVAILABLE, reason: "OUTCOME_UNKNOWN" });
      return {};
    });
    const { secrets } = connect(server);
    const requestId = randomUUID();
    await secrets.putSecret({ path: "a" });
    await secrets.putSecret({ path: "a", requestId });
    const ids = server.calls.map(({ request }) => (request as unknown as { requestId: string }).requestId);
    expect(ids[0]).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(ids).toEqual([ids[0], ids[0], requestId, requestId]);
  });

  it("never repeat a write that has no request id", async () => {
    const server = await startServer();
    server.on(deleteSecret, () => {
      throw unavailable;
    });
    server.on(TokenService.method.refresh, () => {
      throw unavailable;
    });
    server.on(GrantService.method.deleteGrant, () => {
      throw unavailable;
    });
    const client = connect(server);
    await expect(client.secrets.deleteSecret({ path: "a", versions: [1] })).rejects.toBeInstanceOf(Unavailable);
    await expect(client.tokens.refresh({ refreshToken: "r" })).rejects.toBeInstanceOf(Unavailable);
    await expect(client.grants.deleteGrant({ grantId: "g" })).rejects.toBeInstanceOf(Unavailable);
    expect(server.calls).toHaveLength(3);
  });

  it.each([
    ["RATE_LIMITED", status.RESOURCE_EXHAUSTED],
    ["INTERNAL", status.INTERNAL],
    ["SECRET_VERSION_CONFLICT", status.ABORTED],
    ["DEADLINE_EXCEEDED", status.DEADLINE_EXCEEDED],
  ])("do not repeat after %s", async (reason, code) => {
    const server = await startServer();
    server.on(getSecret, () => {
      throw refusal({ code, reason });
    });
    await expect(connect(server).secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason });
    expect(server.calls).toHaveLength(1);
  });
});

describe("the end of retries", () => {
  it("comes when the server says: do not", async () => {
    const server = await startServer();
    const trailers = { "grpc-retry-pushback-ms": "-1" };
    server.on(getSecret, () => {
      throw refusal({ code: status.UNAVAILABLE, reason: "DRAINING", trailers });
    });
    await expect(connect(server).secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "DRAINING" });
    expect(server.calls).toHaveLength(1);
  });

  it("comes after the attempts that are allowed, and the error says with which id to go on", async () => {
    const server = await startServer();
    server.on(putSecret, () => {
      throw refusal({ code: status.UNAVAILABLE, reason: "OUTCOME_UNKNOWN" });
    });
    const request = create(PutSecretRequestSchema, { path: "a" });
    const { secrets } = connect(server, { retry: { maxAttempts: 2, initialBackoffMs: 1 } });
    const error = await secrets.putSecret(request).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(OutcomeUnknown);
    const sent = server.calls.map((call) => (call.request as typeof request).requestId);
    expect(sent).toEqual(Array(2).fill((error as OutcomeUnknown).requestId));
    expect(request.requestId).toBe("");
  });

  it("can be the first attempt, and not beyond what gRPC allows", async () => {
    const server = await startServer();
    server.on(getSecret, () => {
      throw unavailable;
    });
    const { secrets } = connect(server, { retry: { maxAttempts: 1 } });
    await expect(secrets.getSecret({ path: "a" })).rejects.toBeInstanceOf(Unavailable);
    expect(server.calls).toHaveLength(1);
    for (const maxAttempts of [0, 6, 1.5])
      expect(() => connect(server, { retry: { maxAttempts } })).toThrow(RangeError);
  });
});

describe("close", () => {
  it("lets new calls fail at once, and running ones finish", async () => {
    const server = await startServer();
    const client = connect(server);
    server.on(getSecret, async () => {
      client.close();
      return { value: Buffer.from("v") };
    });
    expect((await client.secrets.getSecret({ path: "a" })).value).toHaveLength(1);
    await expect(client.secrets.getSecret({ path: "a" })).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
    client.close();
  });

  it("comes at the end of `await using`", async () => {
    const server = await startServer();
    let kept: ReturnType<typeof connect>;
    {
      await using client = connect(server);
      kept = client;
    }
    await expect(kept.tokens.getJwks({})).rejects.toMatchObject({ reason: "CLIENT_CLOSED" });
  });
});

it("speaks to other services on the same connection", async () => {
  const server = await startServer();
  server.on(Health.method.check, () => ({ status: Serving.SERVING }));
  expect((await connect(server).client(Health).check({})).status).toBe(Serving.SERVING);
});
