// login and whoami: the slowest call and the plainest.

import { availableParallelism } from "node:os";
import { create, toBinary } from "@bufbuild/protobuf";
import {
  AuthService,
  LoginRequestSchema,
  WhoAmIResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import type { LoadJob } from "../load/job.ts";
import { alternate } from "../measure.ts";
import type { BenchRow, Pace } from "../row.ts";
import { loginName, password } from "../setup.ts";
import type { System } from "../system.ts";

export const loginJob: Pick<LoadJob, "path" | "bodies" | "connections"> = {
  path: "/gatehouse.auth.v1.AuthService/Login",
  bodies: [
    Buffer.from(toBinary(LoginRequestSchema, create(LoginRequestSchema, { loginName, password }))).toString("base64"),
  ],
  connections: 2,
};

/** As the server does by default. */
const lanes = Math.max(1, Math.floor(availableParallelism() / 2));

function runLogin(system: System, pace: Pace) {
  return alternate(
    pace,
    (durationMs) => system.load({ ...loginJob, inFlight: 8, durationMs }),
    (durationMs) => system.hash({ lanes, durationMs }),
  );
}

async function runWhoAmI(system: System, pace: Pace) {
  const { accessToken } = system.administrator;
  const answer = await system.caller.call(AuthService.method.whoAmI, {}, accessToken);
  const job = { connections: 4, inFlight: 100, authorization: `Bearer ${accessToken}`, bodies: [""] };
  return alternate(
    pace,
    (durationMs) => system.load({ ...job, path: "/gatehouse.auth.v1.AuthService/WhoAmI", durationMs }),
    (durationMs) => system.echo(toBinary(WhoAmIResponseSchema, answer).length, { ...job, durationMs }),
  );
}

export const loginRows: readonly BenchRow[] = [
  { name: "whoami", unit: "calls/s", target: 0.7, better: "higher", run: runWhoAmI },
  { name: "login", unit: "logins/s", target: 0.9, better: "higher", run: runLogin },
];
