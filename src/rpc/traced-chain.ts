// A span around every call, put around the chain only when traces are exported: without them a call pays nothing.
import type { CallSpan, CallTracer } from "../kernel/tracer.ts";
import { systemOf } from "./call-meter.ts";
import type { Admission, Chain, Failure, Reply } from "./chain.ts";
import type { Incoming } from "./exchange.ts";
import type { MethodEntry } from "./policy.ts";

const cancelled = 1;
const internal = 13;

function codeOf(reply: Reply): number {
  return "failure" in reply ? reply.failure.code : 0;
}

function tracedUnary(span: CallSpan, work: () => Reply | Promise<Reply>): Reply | Promise<Reply> {
  const reply = span.run(work);
  if (!(reply instanceof Promise)) {
    span.end(codeOf(reply));
    return reply;
  }
  return reply.then((late) => {
    span.end(codeOf(late));
    return late;
  });
}

/** A generator runs as part of whoever asks for its next value, so each asking is put into the span. */
async function* tracedStream(
  span: CallSpan,
  begin: () => AsyncGenerator<Uint8Array, Failure | undefined>,
): AsyncGenerator<Uint8Array, Failure | undefined> {
  const answers = span.run(begin);
  let code = cancelled;
  try {
    for (;;) {
      const next = await span.run(() => answers.next());
      if (next.done) {
        code = next.value?.code ?? 0;
        return next.value;
      }
      yield next.value;
    }
  } catch (error) {
    code = internal;
    throw error;
  } finally {
    // When the door stops reading, the chain must hear of it.
    if (code === cancelled) await span.run(() => answers.return(undefined));
    span.end(code);
  }
}

function tracedAdmission(span: CallSpan, admission: Admission): Admission {
  return {
    unary: (body) => tracedUnary(span, () => admission.unary(body)),
    stream: (requests) => tracedStream(span, () => admission.stream(requests)),
    async refuse(error) {
      const failure = await span.run(() => admission.refuse(error));
      span.end(failure.code);
      return failure;
    },
  };
}

export function traceCalls(chain: Chain, tracer: CallTracer): Chain {
  function begin(entry: MethodEntry, incoming: Incoming): CallSpan {
    const [traceParent, ...more] = incoming.metadata("traceparent");
    return tracer.begin({
      method: entry.name,
      system: systemOf(incoming.protocol),
      // Two of them are as good as none (Trace Context, section 3.2).
      traceParent: more.length === 0 ? traceParent : undefined,
      traceState: incoming.metadata("tracestate").join(",") || undefined,
    });
  }
  return {
    ...chain,
    unary(entry, incoming, body) {
      const span = begin(entry, incoming);
      return tracedUnary(span, () => chain.unary(entry, incoming, body));
    },
    stream(entry, incoming, requests) {
      const span = begin(entry, incoming);
      return tracedStream(span, () => chain.stream(entry, incoming, requests));
    },
    async admit(entry, incoming) {
      const span = begin(entry, incoming);
      const admission = await span.run(() => chain.admit(entry, incoming));
      if (!("failure" in admission)) return tracedAdmission(span, admission);
      span.end(admission.failure.code);
      return admission;
    },
  };
}
