// One line and one measurement for each call, and the cause of those that went wrong on our side, which the caller must not
// see. A line is made of ids, of names from closed sets and of numbers: nothing of a request, and no address, which is
// personal data and stands sealed in the audit trail.

import { MethodOptions_IdempotencyLevel } from "@bufbuild/protobuf/wkt";
import { codeName } from "../../kernel/code-names.ts";
import type { GatehouseError } from "../../kernel/errors.ts";
import type { LineSink, Logger } from "../../kernel/logger.ts";
import { readTraceParent } from "../../kernel/trace-context.ts";
import type { CallTracer } from "../../kernel/tracer.ts";
import type { CallMeter } from "../call-meter.ts";
import type { Exchange } from "../exchange.ts";
import type { MethodEntry, PolicyTable } from "../policy.ts";
import type { Step } from "../step.ts";

export interface CallLog {
  /** `most`: every call but token checks that succeed; `refusals`: those that were not answered with OK. */
  readonly calls: "all" | "most" | "refusals" | "off";
  readonly lines: LineSink;
  /** Undefined = traces are not exported, and the caller's own header names the trace. */
  readonly tracer: CallTracer | undefined;
}

export interface LogStepDeps {
  readonly logger: Logger;
  readonly log: CallLog;
  readonly meter: CallMeter;
  readonly table: PolicyTable;
  /** Milliseconds since some beginning; never goes back. */
  readonly monotonic: () => number;
}

/** Ours to mend, so an error of the log: UNKNOWN, INTERNAL, UNAVAILABLE, DATA_LOSS. */
const ours: ReadonlySet<number> = new Set([2, 13, 14, 15]);

/** Probes ask every second, and everybody knows that they do. */
const probes = /^grpc\.health\./;

/** Ten thousand a second tell nobody anything, and a line each would cost them a twentieth of their rate. */
function isTokenCheck({ limit, method }: MethodEntry): boolean {
  return limit === "tokenCheck" && method.idempotency === MethodOptions_IdempotencyLevel.NO_SIDE_EFFECTS;
}

/** Methods whose success gets a line. */
function toldOf(calls: CallLog["calls"], table: PolicyTable): ReadonlySet<MethodEntry> {
  if (calls !== "all" && calls !== "most") return new Set();
  const told = [...table.values()].filter(({ name }) => !probes.test(name));
  return new Set(calls === "all" ? told : told.filter((entry) => !isTokenCheck(entry)));
}

function traceIdOf({ incoming }: Exchange, tracer: CallTracer | undefined): string | undefined {
  return tracer?.traceId() ?? readTraceParent(incoming.metadata("traceparent")[0])?.traceId;
}

interface Told {
  readonly exchange: Exchange;
  readonly durationMs: number;
  readonly traceId: string | undefined;
  readonly error: GatehouseError | undefined;
  readonly errorId: string | undefined;
}

function fieldsOf({ exchange, durationMs, traceId, error, errorId }: Told) {
  return {
    method: exchange.entry.name,
    protocol: exchange.incoming.protocol,
    request_id: exchange.requestId,
    ...(traceId === undefined ? {} : { trace_id: traceId }),
    ...(exchange.principal === undefined ? {} : { principal: exchange.principal.id }),
    code: codeName(error?.code ?? 0),
    ...(error === undefined ? {} : { reason: error.reason, error_id: errorId }),
    duration_ms: Math.round(durationMs * 1000) / 1000,
  };
}

/** The same fields as text. Each is of digits, letters, dots, slashes, dashes and underscores, so nothing needs escaping. */
function lineOf(told: Told, time: string): string {
  const { exchange, durationMs, traceId, error, errorId } = told;
  const { principal, entry, incoming } = exchange;
  let line = `{"level":"info","time":"${time}","method":"${entry.name}","protocol":"${incoming.protocol}","request_id":"${exchange.requestId}"`;
  if (traceId !== undefined) line += `,"trace_id":"${traceId}"`;
  if (principal !== undefined) line += `,"principal":"${principal.id}"`;
  line += `,"code":"${codeName(error?.code ?? 0)}"`;
  if (error !== undefined) line += `,"reason":"${error.reason}","error_id":"${errorId}"`;
  const microseconds = Math.round(durationMs * 1000);
  const message = error === undefined ? "call" : "call refused";
  return `${line},"duration_ms":${microseconds / 1000},"message":"${message}"}`;
}

/** Calls of one millisecond share their time's text. */
function createTimes(): (now: Date) => string {
  let of = Number.NaN;
  let text = "";
  return (now) => {
    const at = now.getTime();
    if (at !== of) {
      of = at;
      text = now.toISOString();
    }
    return text;
  };
}

export function createLogStep(deps: LogStepDeps): Step {
  const { logger, meter, monotonic } = deps;
  const { calls, lines, tracer } = deps.log;
  const told = toldOf(calls, deps.table);
  const timeOf = createTimes();

  function tell(exchange: Exchange, durationMs: number): void {
    const { outcome, entry } = exchange;
    const error = outcome?.ok === false ? outcome.error : undefined;
    const errorId = outcome?.ok === false ? outcome.errorId : undefined;
    const failed = error !== undefined && ours.has(error.code);
    const wanted = lines.on && (error === undefined ? told.has(entry) : calls !== "off");
    if (error === undefined && !wanted) return;
    const facts = { exchange, durationMs, traceId: traceIdOf(exchange, tracer), error, errorId };
    if (failed) logger.error({ ...fieldsOf(facts), err: error.cause ?? error }, "call failed");
    else if (wanted) lines.write(lineOf(facts, timeOf(exchange.now)));
    else logger.debug(fieldsOf(facts), "call refused");
  }

  return {
    name: "log",
    reason: "outermost, so that it sees the outcome that the caller sees",
    enter(exchange) {
      exchange.begun = monotonic();
      meter.begin(exchange.entry);
    },
    leave(exchange) {
      const durationMs = monotonic() - exchange.begun;
      const { outcome, entry, incoming } = exchange;
      meter.end(entry, incoming.protocol, outcome?.ok === false ? outcome.error : undefined, durationMs / 1000);
      const given = exchange.givenRequestId;
      if (given !== undefined) exchange.answerMetadata = { ...exchange.answerMetadata, "x-request-id": given };
      tell(exchange, durationMs);
    },
  };
}
