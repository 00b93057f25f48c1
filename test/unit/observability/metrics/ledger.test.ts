// The ledger and its text form: what is counted is what is told, in the format that Prometheus reads.
import { describe, expect, it } from "vitest";
import { createExposition } from "../../../../src/observability/metrics/exposition.ts";
import { createLedger, mostSeries } from "../../../../src/observability/metrics/ledger.ts";

describe("the ledger", () => {
  it("counts by labels, and the same labels are the same instrument", () => {
    const ledger = createLedger();
    const calls = ledger.counter<"a" | "b">({ name: "calls_total", help: "Calls.", labels: ["a", "b"] });
    calls.with({ a: "1", b: "2" }).add();
    calls.with({ b: "2", a: "1" }).add(2);
    calls.with({ a: "12", b: "" }).add();
    expect(ledger.read()).toEqual([
      {
        kind: "counter",
        name: "calls_total",
        help: "Calls.",
        series: [
          { labels: { a: "1", b: "2" }, value: 3 },
          { labels: { a: "12", b: "" }, value: 1 },
        ],
      },
    ]);
  });

  it("puts each observation into the first bucket whose bound it does not pass", () => {
    const ledger = createLedger();
    const took = ledger.histogram({ name: "took_seconds", help: "Time.", bounds: [0.1, 1] }).with({});
    for (const value of [0, 0.1, 0.10001, 1, 1.5, 99]) took.record(value);
    expect(ledger.read()[0]?.series[0]).toMatchObject({ buckets: [2, 2, 2], sum: expect.closeTo(101.70001, 5) });
  });

  it.each([Number.NaN, -1, Number.NEGATIVE_INFINITY])("takes no %s into a histogram", (value) => {
    const ledger = createLedger();
    ledger
      .histogram({ name: "took_seconds", help: "Time.", bounds: [1] })
      .with({})
      .record(value);
    expect(ledger.read()[0]?.series[0]).toMatchObject({ buckets: [0, 0], sum: 0 });
  });

  it("keeps its size when a label takes whatever a caller says", () => {
    const ledger = createLedger();
    const family = ledger.counter<"who">({ name: "calls_total", help: "Calls.", labels: ["who"] });
    for (let i = 0; i < 3 * mostSeries; i++) family.with({ who: `caller-${i}` }).add();
    const series = ledger.read()[0]?.series ?? [];
    expect(series).toHaveLength(mostSeries + 1);
    expect(series.at(-1)).toEqual({ labels: { who: "_other" }, value: 2 * mostSeries });
  });

  it("refuses a second metric of the same name, and a name that Prometheus would not read", () => {
    const ledger = createLedger();
    ledger.gauge({ name: "one", help: "One." }, () => []);
    expect(() => ledger.counter({ name: "one", help: "Again." })).toThrow(TypeError);
    expect(() => ledger.counter({ name: "a-b", help: "Odd." })).toThrow(TypeError);
  });

  it("tells the others when one gauge cannot be read", () => {
    const ledger = createLedger();
    ledger.gauge({ name: "broken", help: "Broken." }, () => {
      throw new Error("no");
    });
    ledger.gauge({ name: "whole", help: "Whole." }, () => [[{}, 7]]);
    expect(ledger.read().map(({ series }) => series.length)).toEqual([0, 1]);
  });
});

describe("J-08 the Prometheus text", () => {
  it("has cumulative buckets, sum and count, and escapes what a label holds", async () => {
    const ledger = createLedger();
    const took = ledger.histogram<"m">({ name: "took_seconds", help: "Time.", labels: ["m"], bounds: [0.1, 1] });
    for (const value of [0.05, 0.5, 5]) took.with({ m: 'a"b\n\\' }).record(value);
    const lines = (await createExposition(ledger).text()).split("\n");
    expect(lines.slice(0, 7)).toEqual([
      "# HELP took_seconds Time.",
      "# TYPE took_seconds histogram",
      'took_seconds_bucket{le="0.1",m="a\\"b\\n\\\\"} 1',
      'took_seconds_bucket{le="1",m="a\\"b\\n\\\\"} 2',
      'took_seconds_bucket{le="+Inf",m="a\\"b\\n\\\\"} 3',
      'took_seconds_sum{m="a\\"b\\n\\\\"} 5.55',
      'took_seconds_count{m="a\\"b\\n\\\\"} 3',
    ]);
  });

  it("tells of the process beside it", async () => {
    expect(await createExposition(createLedger()).text()).toMatch(/^process_resident_memory_bytes \d+$/m);
  });
});
