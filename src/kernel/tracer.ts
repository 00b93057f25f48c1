// How a part says what takes its time. Off by default, and then nothing is done but the work itself.

/** What a call spends its time on. A closed set: the name of a span is never made of a request. */
export type SpanName = "postgres transaction" | "postgres read" | "audit record" | "password hash" | "token signature";

export interface Tracer {
  /** Runs `work` as a part of the call that it belongs to. Fails as `work` does, and never by itself. */
  within<T>(name: SpanName, work: () => Promise<T>): Promise<T>;
}

export const noTracer: Tracer = { within: (_name, work) => work() };

export interface ServedCall {
  /** `package.Service/Method`. */
  readonly method: string;
  readonly system: "grpc" | "connectrpc";
  readonly traceParent: string | undefined;
  readonly traceState: string | undefined;
}

/** One call, from the gate to its answer. */
export interface CallSpan {
  /** What `work` starts, however late, belongs to this call. */
  run<T>(work: () => T): T;
  /** The gRPC code of the answer, 0 = OK. */
  end(code: number): void;
}

/** For the doors' side of the chain. */
export interface CallTracer {
  begin(call: ServedCall): CallSpan;
  /** Of the call that is running now; undefined outside any. */
  traceId(): string | undefined;
}
