// Which calls get a span, and whom they belong to; without a collector.
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from "@opentelemetry/sdk-trace";
import { describe, expect, it } from "vitest";
import { createCallTracer } from "../../../../src/observability/otlp/tracer.ts";

const traceId = "0af7651916cd43dd8448eb211c80319c";
const header = (flags: string) => `00-${traceId}-b7ad6b7169203331-${flags}`;

function open(ratio: number) {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = createCallTracer(provider.getTracer("test"), ratio);
  const begin = (traceParent?: string, traceState?: string) =>
    tracer.begin({ method: "a.v1.A/B", system: "grpc", traceParent, traceState });
  return { tracer, begin, spans: () => exporter.getFinishedSpans() };
}

describe("whether a call is traced", () => {
  it.each([
    [0, undefined, 0],
    [1, undefined, 1],
    [0, header("01"), 1],
    [1, header("00"), 0],
    [0, "nonsense", 0],
    [1, "nonsense", 1],
  ])("at a ratio of %d with the header %s: %d", (ratio, traceParent, count) => {
    const { begin, spans } = open(ratio);
    const span = begin(traceParent);
    expect(span.run(() => 7)).toBe(7);
    span.end(0);
    expect(spans()).toHaveLength(count);
  });

  it("is decided by chance, near the ratio", () => {
    const { begin, spans } = open(0.1);
    for (let count = 0; count < 5_000; count++) begin().end(0);
    expect(spans().length).toBeGreaterThan(350);
    expect(spans().length).toBeLessThan(650);
  });
});

describe("what belongs to a call", () => {
  it("is what it started, however late, and nothing of the call beside it", async () => {
    const { tracer, begin, spans } = open(1);
    const work = async () => {
      await new Promise((resolve) => setImmediate(resolve));
      await tracer.within("postgres read", async () => {});
    };
    const calls = [begin(), begin(), begin()];
    await Promise.all(calls.map((call) => call.run(work)));
    for (const call of calls) call.end(0);
    const reads = spans().filter(({ name }) => name === "postgres read");
    const served = spans().filter(({ name }) => name === "a.v1.A/B");
    expect(new Set(reads.map(({ parentSpanContext }) => parentSpanContext?.spanId))).toEqual(
      new Set(served.map((span) => span.spanContext().spanId)),
    );
    expect(tracer.traceId()).toBeUndefined();
  });

  it("SEC-05 fails as the work fails, and says nothing of how", async () => {
    const { tracer, begin, spans } = open(1);
    const call = begin();
    const failing = call.run(() => tracer.within("postgres read", () => Promise.reject(new Error("canary-11"))));
    await expect(failing).rejects.toThrow("canary-11");
    call.end(13);
    const told = spans().map(({ status, events, attributes }) => ({ status, events, attributes }));
    expect(told.map(({ status }) => status.code)).toEqual([2, 2]);
    expect(JSON.stringify(told)).not.toContain("canary");
  });

  it.each([
    ["too long a state", `a=${"b".repeat(600)}`],
    ["a state that is none", "\u0000,,=,"],
  ])("survives %s", (_title, state) => {
    const { begin, spans } = open(0);
    begin(header("01"), state).end(0);
    expect(spans()[0]?.spanContext().traceState?.serialize() ?? "").toBe("");
  });
});
