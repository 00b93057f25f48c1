// W3C Trace Context: the header by which a call says which trace it belongs to. Read here, because the log names the trace
// whether traces are exported or not.

export interface TraceParent {
  readonly traceId: string;
  readonly parentId: string;
  readonly sampled: boolean;
}

// Version 00 exactly; a later version may be longer, and its first four fields mean the same (section 3.2.4).
const shape = /^(?!ff)([0-9a-f]{2})-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:$|-)/;
const longestHeader = 128;

/** Undefined for what is no header of the form; hex digits are all that is ever taken from it. */
export function readTraceParent(header: string | undefined): TraceParent | undefined {
  if (header === undefined || header.length > longestHeader) return undefined;
  const match = shape.exec(header);
  if (match === null) return undefined;
  const [, version, traceId = "", parentId = "", flags = ""] = match;
  if (version === "00" && header.length !== 55) return undefined;
  if (/^0+$/.test(traceId) || /^0+$/.test(parentId)) return undefined;
  return { traceId, parentId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}
