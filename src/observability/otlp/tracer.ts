// Spans by OpenTelemetry's conventions for RPC servers. Attributes are names and codes; nothing of a request is in them.
import { AsyncLocalStorage } from "node:async_hooks";
import { randomFillSync } from "node:crypto";
import {
  type Context,
  createTraceState,
  isSpanContextValid,
  type Tracer as OtelTracer,
  ROOT_CONTEXT,
  type Span,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  trace,
} from "@opentelemetry/api";
import { codeName } from "../../kernel/code-names.ts";
import { readTraceParent, type TraceParent } from "../../kernel/trace-context.ts";
import type { CallSpan, CallTracer, SpanName, Tracer } from "../../kernel/tracer.ts";
import { isServerError } from "./server-errors.ts";

export type FullTracer = Tracer & CallTracer;

/** Beyond 512 characters a state may be dropped (Trace Context, section 3.3.1.5). */
const longestState = 512;

function contextOf(parent: TraceParent | undefined, traceState: string | undefined): Context {
  if (parent === undefined) return ROOT_CONTEXT;
  const kept = traceState === undefined || traceState.length > longestState ? undefined : traceState;
  return trace.setSpanContext(ROOT_CONTEXT, {
    traceId: parent.traceId,
    spanId: parent.parentId,
    traceFlags: TraceFlags.SAMPLED,
    isRemote: true,
    ...(kept === undefined ? {} : { traceState: createTraceState(kept) }),
  });
}

function endCall(span: Span, code: number): void {
  const name = codeName(code);
  span.setAttribute("rpc.response.status_code", name);
  if (isServerError(name)) {
    span.setAttribute("error.type", name);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** True for `ratio` of the times that it is asked. Drawn in advance: one look at the random source for a thousand calls. */
function createDice(ratio: number): () => boolean {
  const drawn = new Uint32Array(1024);
  const below = ratio * 2 ** 32;
  let next = drawn.length;
  return () => {
    if (next === drawn.length) {
      randomFillSync(drawn);
      next = 0;
    }
    return (drawn[next++] ?? 0) < below;
  };
}

/** A span of the library that is not recorded costs a fifth of a quick call all the same. */
const untraced: CallSpan = { run: (work) => work(), end: () => {} };

/** The caller's decision holds; `ratio` of those calls are traced whose caller made none. */
export function createCallTracer(tracer: OtelTracer, ratio: number): FullTracer {
  const dice = createDice(ratio);
  const running = new AsyncLocalStorage<Span>();

  async function record<T>(parent: Span, name: SpanName, work: () => Promise<T>): Promise<T> {
    const kind = name.startsWith("postgres") ? SpanKind.CLIENT : SpanKind.INTERNAL;
    const attributes = name.startsWith("postgres") ? { "db.system.name": "postgresql" } : {};
    const span = tracer.startSpan(name, { kind, attributes }, trace.setSpan(ROOT_CONTEXT, parent));
    try {
      return await work();
    } catch (error) {
      // Neither message nor stack: they may quote what a caller sent.
      span.setStatus({ code: SpanStatusCode.ERROR });
      throw error;
    } finally {
      span.end();
    }
  }

  return {
    begin(call) {
      const parent = readTraceParent(call.traceParent);
      if (!(parent === undefined ? dice() : parent.sampled)) return untraced;
      const attributes = { "rpc.system.name": call.system, "rpc.method": call.method };
      const span = tracer.startSpan(
        call.method,
        { kind: SpanKind.SERVER, attributes },
        contextOf(parent, call.traceState),
      );
      return { run: (work) => running.run(span, work), end: (code) => endCall(span, code) };
    },
    traceId() {
      const context = running.getStore()?.spanContext();
      return context !== undefined && isSpanContextValid(context) ? context.traceId : undefined;
    },
    within(name, work) {
      const parent = running.getStore();
      return parent !== undefined ? record(parent, name, work) : work();
    },
  };
}
