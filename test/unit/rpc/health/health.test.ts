// Health as grpc.health.v1 has it: Check, Watch and List, through the handlers that the chain would call.
import { create } from "@bufbuild/protobuf";
import type { Health as HealthService } from "@gatehouse/proto/health/v1/health_pb.js";
import {
  HealthCheckRequestSchema,
  type HealthCheckResponse,
  HealthListRequestSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "@gatehouse/proto/health/v1/health_pb.js";
import { describe, expect, it } from "vitest";
import type { Call, Handlers } from "../../../../src/kernel/handler.ts";
import { createHealth } from "../../../../src/rpc/health/service.ts";

class UnknownService extends Error {}

function start() {
  const health = createHealth({ unknownService: () => new UnknownService() });
  const handlers = health.binding.handlers as Handlers<typeof HealthService>;
  const caller = new AbortController();
  const call = { signal: caller.signal } as Call;
  const named = (service: string) => create(HealthCheckRequestSchema, { service });
  return {
    ...health,
    hangUp: () => caller.abort(),
    check: async (service: string) => ((await handlers.check(named(service), call)) as HealthCheckResponse).status,
    list: () => handlers.list(create(HealthListRequestSchema), call),
    watch: (service: string) => handlers.watch(named(service), call)[Symbol.asyncIterator](),
  };
}

async function next(watch: AsyncIterator<HealthCheckResponse>): Promise<Status | "ended"> {
  const { done, value } = await watch.next();
  return done ? "ended" : value.status;
}

describe("Check", () => {
  it("says NOT_SERVING for the server as a whole until it is set", async () => {
    const health = start();
    expect(await health.check("")).toBe(Status.NOT_SERVING);
    health.set("", "SERVING");
    expect(await health.check("")).toBe(Status.SERVING);
  });

  it("knows each service apart", async () => {
    const health = start();
    health.set("a.A", "SERVING");
    health.set("b.B", "NOT_SERVING");
    expect(await health.check("a.A")).toBe(Status.SERVING);
    expect(await health.check("b.B")).toBe(Status.NOT_SERVING);
  });

  it("refuses a service that was never set, names of object members included", async () => {
    const health = start();
    for (const name of ["c.C", "__proto__", "constructor", "a.A ", "A.a"]) {
      await expect(health.check(name)).rejects.toBeInstanceOf(UnknownService);
    }
  });
});

describe("List", () => {
  it("lists every service", async () => {
    const health = start();
    health.set("", "SERVING");
    health.set("a.A", "NOT_SERVING");
    const answer = await health.list();
    expect(answer).toMatchObject({
      statuses: { "": { status: Status.SERVING }, "a.A": { status: Status.NOT_SERVING } },
    });
  });

  it("stays bounded, because no more services can be set", () => {
    const health = start();
    for (let n = 1; n < 100; n++) health.set(`s.S${n}`, "SERVING");
    expect(() => health.set("one.TooMany", "SERVING")).toThrow(RangeError);
    expect(() => health.set("s.S1", "NOT_SERVING")).not.toThrow();
  });
});

describe("Watch", () => {
  it("answers at once and then at every change", async () => {
    const health = start();
    health.set("a.A", "SERVING");
    const watch = health.watch("a.A");
    expect(await next(watch)).toBe(Status.SERVING);
    const change = next(watch);
    health.set("a.A", "NOT_SERVING");
    expect(await change).toBe(Status.NOT_SERVING);
  });

  it("stays silent when a service is set to what it was, or another one changes", async () => {
    const health = start();
    health.set("a.A", "SERVING");
    const watch = health.watch("a.A");
    await next(watch);
    const change = next(watch);
    health.set("a.A", "SERVING");
    health.set("b.B", "NOT_SERVING");
    await new Promise(setImmediate);
    health.set("a.A", "NOT_SERVING");
    expect(await change).toBe(Status.NOT_SERVING);
  });

  it("does not lose a change that comes while the answer before is on its way", async () => {
    const health = start();
    const watch = health.watch("");
    expect(await next(watch)).toBe(Status.NOT_SERVING);
    health.set("", "SERVING");
    expect(await next(watch)).toBe(Status.SERVING);
  });

  it("says SERVICE_UNKNOWN, stays open and tells when the service becomes known", async () => {
    const health = start();
    const watch = health.watch("late.Late");
    expect(await next(watch)).toBe(Status.SERVICE_UNKNOWN);
    const change = next(watch);
    health.set("late.Late", "SERVING");
    expect(await change).toBe(Status.SERVING);
  });

  it("ends when the caller goes away, for whoever waits and whoever comes after", async () => {
    const health = start();
    const watch = health.watch("");
    await next(watch);
    const end = next(watch);
    health.hangUp();
    expect(await end).toBe("ended");
    expect(await next(health.watch(""))).toBe("ended");
  });

  it("tells many watchers of one change", async () => {
    const health = start();
    const watches = Array.from({ length: 50 }, () => health.watch(""));
    await Promise.all(watches.map(next));
    const changes = Promise.all(watches.map(next));
    health.set("", "SERVING");
    expect(new Set(await changes)).toEqual(new Set([Status.SERVING]));
  });
});

describe("shutdown", () => {
  it("makes everything NOT_SERVING for good", async () => {
    const health = start();
    health.set("", "SERVING");
    health.set("a.A", "SERVING");
    health.shutdown();
    health.set("", "SERVING");
    expect(await health.check("")).toBe(Status.NOT_SERVING);
    expect(await health.check("a.A")).toBe(Status.NOT_SERVING);
  });

  it("tells the watchers and ends their streams, so that they do not hold up the drain", async () => {
    const health = start();
    health.set("", "SERVING");
    const watch = health.watch("");
    await next(watch);
    const change = next(watch);
    health.shutdown();
    expect(await change).toBe(Status.NOT_SERVING);
    expect(await next(watch)).toBe("ended");
  });
});
