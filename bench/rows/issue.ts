// issue-local: client credentials for a signed access token, its record durable in Postgres before it leaves, beside a server that
// does one INSERT and then echoes.
import { fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  IssueTokenRequestSchema,
  IssueTokenResponseSchema,
  TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { issuePath, makeIssueBody } from "../machine.ts";
import { alternate } from "../measure.ts";
import type { BenchRow, Pace } from "../row.ts";
import type { System } from "../system.ts";

const job = { connections: 4, inFlight: 64 } as const;

async function runIssue(system: System, pace: Pace) {
  const body = await makeIssueBody(system.caller, system.administrator.accessToken);
  const request = fromBinary(IssueTokenRequestSchema, Buffer.from(body, "base64"));
  const answer = await system.caller.call(TokenService.method.issueToken, request);
  const answerBytes = toBinary(IssueTokenResponseSchema, answer).length;
  return alternate(
    pace,
    (durationMs) => system.load({ ...job, bodies: [body], path: issuePath, durationMs }),
    (durationMs) => system.insertAndEcho(answerBytes, { ...job, bodies: [body], durationMs }),
  );
}

export const issueRow: BenchRow = {
  name: "issue-local",
  unit: "calls/s",
  target: 0.75,
  better: "higher",
  run: runIssue,
};
