// The load generator's process: runs one job at a time, told and answered by IPC, so that it shares no event loop with
// what it measures.
import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { RefreshRequestSchema, RefreshResponseSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { answerParent } from "../process.ts";
import { type LoadConnection, openLoadConnection, type Request } from "./connection.ts";
import { requestFrames, requestHeaders } from "./frames.ts";
import type { LoadJob, LoadResult } from "./job.ts";

function percentile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? 0;
}

interface Tally {
  readonly tookMs: number[];
  failed: number;
  exhausted: boolean;
}

/** Bodies one after the other: round and round, or each once. */
function bodySource(job: LoadJob, tally: Tally): () => Request | undefined {
  const headers = requestHeaders(job.path, job.authorization);
  const requests = job.bodies.map((body) => requestFrames(headers, Buffer.from(body, "base64")));
  let at = 0;
  return () => {
    if (at >= requests.length) {
      if (job.once) {
        tally.exhausted = true;
        return undefined;
      }
      at = 0;
    }
    return requests[at++];
  };
}

/** Every slot keeps its own session and sends the token that its last answer gave. */
function refreshSource(job: LoadJob) {
  const headers = requestHeaders(job.path, job.authorization);
  const bodies = job.bodies.map((body) => Buffer.from(body, "base64"));
  const last: string[] = [];
  return {
    last,
    next: (slot: number) => {
      const body = bodies[slot];
      return body === undefined ? undefined : requestFrames(headers, body);
    },
    learn: (slot: number, message: Buffer) => {
      const refreshToken = fromBinary(RefreshResponseSchema, message).tokens?.refreshToken ?? "";
      last[slot] = refreshToken;
      bodies[slot] = Buffer.from(toBinary(RefreshRequestSchema, create(RefreshRequestSchema, { refreshToken })));
    },
  };
}

function open(job: LoadJob, tally: Tally, chained: ReturnType<typeof refreshSource> | undefined): LoadConnection[] {
  const plain = bodySource(job, tally);
  const perConnection = Math.ceil(job.inFlight / job.connections);
  return Array.from({ length: job.connections }, (_, connection) =>
    openLoadConnection({
      target: job.target,
      inFlight: Math.min(perConnection, job.inFlight - connection * perConnection),
      keepMessages: chained !== undefined,
      next: chained === undefined ? plain : (slot) => chained.next(connection * perConnection + slot),
      onAnswer: (slot, answer) => {
        if (answer.ok) tally.tookMs.push(answer.tookMs);
        else tally.failed += 1;
        if (chained !== undefined && answer.ok) chained.learn(connection * perConnection + slot, answer.message);
      },
    }),
  );
}

async function run(job: LoadJob): Promise<LoadResult> {
  const tally: Tally = { tookMs: [], failed: 0, exhausted: false };
  const began = performance.now();
  const chained = job.chain === "refresh" ? refreshSource(job) : undefined;
  const connections = open(job, tally, chained);
  const timer = setTimeout(() => {
    for (const connection of connections) connection.finish();
  }, job.durationMs);
  await Promise.all(connections.map((connection) => connection.done));
  clearTimeout(timer);
  const seconds = (performance.now() - began) / 1000;
  const sorted = Float64Array.from(tally.tookMs).sort();
  return {
    rate: sorted.length / seconds,
    answered: sorted.length,
    failed: tally.failed,
    p50Ms: percentile(sorted, 0.5),
    p99Ms: percentile(sorted, 0.99),
    exhausted: tally.exhausted,
    last: chained?.last ?? [],
  };
}

answerParent(run);
