// introspect-hot, introspect-cold and login-flood: checks of tokens, beside bare grpc-js, beside jose, and beside logins.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  IntrospectRequestSchema,
  IntrospectResponseSchema,
  TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { LoadJob } from "../load/job.ts";
import { alternate } from "../measure.ts";
import type { BenchRow, Pace, Sample } from "../row.ts";
import type { System } from "../system.ts";
import { loginJob } from "./login.ts";

const path = "/gatehouse.token.v1.TokenService/Introspect";

function bodyOf(token: string): string {
  return Buffer.from(toBinary(IntrospectRequestSchema, create(IntrospectRequestSchema, { token }))).toString("base64");
}

function bearer(system: System): string {
  return `Bearer ${system.administrator.accessToken}`;
}

/** 1,000 live tokens, asked about round and round, and the size of an answer. */
async function hot(system: System) {
  const tokens = await (await system.mill()).take(1000);
  const answer = await system.caller.call(
    TokenService.method.introspect,
    { token: tokens[0] ?? "" },
    system.administrator.accessToken,
  );
  if (!answer.active) throw new Error("a fresh token is not active");
  const job: Omit<LoadJob, "target" | "path" | "durationMs"> = {
    connections: 4,
    inFlight: 100,
    authorization: bearer(system),
    bodies: tokens.map(bodyOf),
  };
  return { job, answerBytes: toBinary(IntrospectResponseSchema, answer).length };
}

async function runHot(system: System, pace: Pace) {
  const { job, answerBytes } = await hot(system);
  return alternate(
    pace,
    (durationMs) => system.load({ ...job, path, durationMs }),
    // The credential travels in the reference's metadata too: both sides are given the same bytes.
    (durationMs) => system.echo(answerBytes, { ...job, durationMs }),
  );
}

/** More than the fastest machine seen gets through; what is left over is thrown away. */
const coldTokensASecond = 16_000;
const coldInFlight = 32;

async function runCold(system: System, pace: Pace) {
  const mill = await system.mill();
  const ours = async (durationMs: number): Promise<Sample> => {
    const tokens = await mill.take(Math.ceil((coldTokensASecond * durationMs) / 1000));
    const job = {
      connections: 4,
      inFlight: coldInFlight,
      authorization: bearer(system),
      bodies: tokens.map(bodyOf),
      once: true,
    };
    return system.load({ ...job, path, durationMs });
  };
  // Every measured second costs a longer one of making tokens, so rounds are short.
  const short = { warmMs: 1000, roundMs: 1000, rounds: pace.rounds };
  return alternate(short, ours, (durationMs) => system.verify({ inFlight: coldInFlight, durationMs }));
}

/** `alternate` compares rates; here the number to compare is a latency. */
function latencyAsRate(sample: Sample): Sample {
  return { ...sample, rate: sample.p99Ms };
}

async function runFlood(system: System, pace: Pace) {
  const { job } = await hot(system);
  const check = (durationMs: number) => system.load({ ...job, inFlight: 8, path, durationMs });
  const flooded = async (durationMs: number): Promise<Sample> => {
    const flood = system.background({ ...loginJob, inFlight: 32, durationMs: durationMs + 500 });
    const sample = await check(durationMs);
    await flood;
    return latencyAsRate(sample);
  };
  return alternate(pace, flooded, async (durationMs) => latencyAsRate(await check(durationMs)));
}

export const introspectRows: readonly BenchRow[] = [
  { name: "introspect-hot", unit: "calls/s", target: 0.8, better: "higher", run: runHot },
  { name: "introspect-cold", unit: "calls/s", target: 0.5, better: "higher", run: runCold },
  { name: "login-flood", unit: "ms p99", target: 1.5, better: "lower", run: runFlood },
];
