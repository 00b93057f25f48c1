// traceparent comes from outside: what is not of the form is as good as none, and only hex digits are taken from it.
import { describe, expect, it } from "vitest";
import { readTraceParent } from "../../../src/kernel/trace-context.ts";

const trace = "0af7651916cd43dd8448eb211c80319c";
const span = "b7ad6b7169203331";

describe("traceparent", () => {
  it("names trace, parent and whether it is sampled", () => {
    expect(readTraceParent(`00-${trace}-${span}-01`)).toEqual({ traceId: trace, parentId: span, sampled: true });
    expect(readTraceParent(`00-${trace}-${span}-02`)?.sampled).toBe(false);
  });

  it("of a later version may be longer", () => {
    expect(readTraceParent(`01-${trace}-${span}-01-more`)?.traceId).toBe(trace);
    expect(readTraceParent(`01-${trace}-${span}-01more`)).toBeUndefined();
  });

  it.each([
    ["nothing", undefined],
    ["empty", ""],
    ["version ff", `ff-${trace}-${span}-01`],
    ["version 00 with more behind it", `00-${trace}-${span}-01-x`],
    ["capitals", `00-${trace.toUpperCase()}-${span}-01`],
    ["a trace of zeros", `00-${"0".repeat(32)}-${span}-01`],
    ["a parent of zeros", `00-${trace}-${"0".repeat(16)}-01`],
    ["a short trace", `00-${trace.slice(1)}-${span}-01`],
    ["a line break", `00-${trace}-${span}-01\n{"level":"error"}`],
    ["a quote", `00-${trace.slice(1)}"-${span}-01`],
    ["a long one", `01-${trace}-${span}-01-${"a".repeat(1_000_000)}`],
  ])("%s is none", (_title, header) => {
    expect(readTraceParent(header)).toBeUndefined();
  });
});
