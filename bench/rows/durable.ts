// refresh, secret-get and secret-put: calls whose answer waits for Postgres, beside pg doing as much alone.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  GetSecretRequestSchema,
  PutSecretRequestSchema,
} from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { RefreshRequestSchema } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { alternate } from "../measure.ts";
import type { BenchRow, Pace } from "../row.ts";
import { openSessions, putSecrets, secretPaths } from "../setup.ts";
import type { System } from "../system.ts";

const inFlight = 64;
const connections = 4;

async function runRefresh(system: System, pace: Pace) {
  const path = "/gatehouse.token.v1.TokenService/Refresh";
  const sessions = await openSessions(system.caller, inFlight);
  let current: readonly string[] = sessions.map(({ refreshToken }) => refreshToken);
  const ours = async (durationMs: number) => {
    const bodies = current.map((refreshToken) =>
      Buffer.from(toBinary(RefreshRequestSchema, create(RefreshRequestSchema, { refreshToken }))).toString("base64"),
    );
    const { last, ...sample } = await system.load({
      path,
      bodies,
      chain: "refresh",
      connections,
      inFlight,
      durationMs,
    });
    current = last;
    return sample;
  };
  return alternate(pace, ours, (durationMs) => system.postgres({ work: "update and insert", inFlight, durationMs }));
}

function bearer(system: System): string {
  return `Bearer ${system.administrator.accessToken}`;
}

async function runGet(system: System, pace: Pace) {
  await putSecrets(system.caller, system.administrator.accessToken, secretPaths);
  const bodies = secretPaths.map((path) =>
    Buffer.from(toBinary(GetSecretRequestSchema, create(GetSecretRequestSchema, { path }))).toString("base64"),
  );
  const job = {
    path: "/gatehouse.secrets.v1.SecretsService/GetSecret",
    authorization: bearer(system),
    bodies,
    connections,
    inFlight,
  };
  return alternate(
    pace,
    (durationMs) => system.load({ ...job, durationMs }),
    (durationMs) => system.postgres({ work: "select and grouped insert", inFlight, durationMs }),
  );
}

/** Check-and-set, round and round over secrets that exist: every put names the version that the one before it made. */
async function runPut(system: System, pace: Pace) {
  const { accessToken } = system.administrator;
  const paths = secretPaths.map((path) => `put-${path}`);
  await putSecrets(system.caller, accessToken, paths);
  const value = Buffer.alloc(128, 9);
  let done = 0;
  const bodyAt = (at: number) => {
    const expectedVersion = Math.floor(at / paths.length) + 1;
    const request = create(PutSecretRequestSchema, { path: paths[at % paths.length] ?? "", value, expectedVersion });
    return Buffer.from(toBinary(PutSecretRequestSchema, request)).toString("base64");
  };
  const job = {
    path: "/gatehouse.secrets.v1.SecretsService/PutSecret",
    authorization: bearer(system),
    connections,
    inFlight,
    once: true,
  };
  const putsASecond = 8000;
  const ours = async (durationMs: number) => {
    const count = Math.ceil((putsASecond * durationMs) / 1000);
    const bodies = Array.from({ length: count }, (_, index) => bodyAt(done + index));
    const { answered, ...sample } = await system.load({ ...job, bodies, durationMs });
    done += answered;
    return sample;
  };
  return alternate(pace, ours, (durationMs) => system.postgres({ work: "two inserts", inFlight, durationMs }));
}

export const durableRows: readonly BenchRow[] = [
  { name: "refresh", unit: "calls/s", target: 0.6, better: "higher", run: runRefresh },
  { name: "secret-get", unit: "calls/s", target: 0.6, better: "higher", run: runGet },
  { name: "secret-put", unit: "calls/s", target: 0.6, better: "higher", run: runPut },
];
