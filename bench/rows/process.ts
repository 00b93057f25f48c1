// start and memory: what the process itself costs, beside the bound it must stay under.
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { median } from "../measure.ts";
import type { BenchRow, Measured, Pace } from "../row.ts";
import type { System } from "../system.ts";

const startBoundMs = 1000;
const mebibyte = 1024 * 1024;
const idleBound = 120;
const loadedBound = 256;

/** Process start to the first served call, on a warm data directory. */
async function runStart(system: System, pace: Pace): Promise<Measured> {
  const took: number[] = [];
  for (let round = 0; round < pace.rounds; round += 1) {
    await system.restart();
    const asked = performance.now();
    await system.caller.call(AuthService.method.whoAmI, {}, system.administrator.accessToken);
    took.push(system.gatehouse.readyAfterMs + performance.now() - asked);
  }
  const ours = median(took);
  return { ours, reference: startBoundMs, ratio: ours / startBoundMs, p50Ms: ours, p99Ms: Math.max(...took) };
}

function within(bytes: number, bound: number): Measured {
  const ours = bytes / mebibyte;
  return { ours, reference: bound, ratio: ours / bound, p50Ms: undefined, p99Ms: undefined };
}

async function runIdleMemory(system: System): Promise<Measured> {
  await system.restart();
  await system.caller.call(AuthService.method.whoAmI, {}, system.administrator.accessToken);
  return within(system.gatehouse.residentBytes(), idleBound);
}

/** After the load of one row of calls; rows that ran before count too. */
async function runLoadedMemory(system: System, pace: Pace): Promise<Measured> {
  const job = {
    path: "/gatehouse.auth.v1.AuthService/WhoAmI",
    authorization: `Bearer ${system.administrator.accessToken}`,
    bodies: [""],
  };
  await system.load({ ...job, connections: 4, inFlight: 100, durationMs: pace.warmMs });
  return within(system.gatehouse.residentBytes(), loadedBound);
}

export const loadedMemoryRow: BenchRow = {
  name: "memory-loaded",
  unit: "MiB",
  target: 1,
  better: "lower",
  run: runLoadedMemory,
};
export const restartRows: readonly BenchRow[] = [
  { name: "start", unit: "ms", target: 1, better: "lower", run: runStart },
  { name: "memory", unit: "MiB", target: 1, better: "lower", run: runIdleMemory },
];
