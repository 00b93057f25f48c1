// abuse: what the latency of a client that behaves becomes while another one floods the server.
import type { AttackJob } from "../load/attacker.ts";
import { alternate } from "../measure.ts";
import { startSideProcess } from "../process.ts";
import type { BenchRow, Measured, Pace, Sample } from "../row.ts";
import type { System } from "../system.ts";

/** `alternate` compares rates; here the number to compare is a latency. */
function latencyAsRate(sample: Sample): Sample {
  return { ...sample, rate: sample.p99Ms };
}

async function run(system: System, pace: Pace): Promise<Measured> {
  const attacker = startSideProcess<AttackJob, unknown>("./load/attacker.ts");
  const job = {
    path: "/gatehouse.auth.v1.AuthService/WhoAmI",
    authorization: `Bearer ${system.administrator.accessToken}`,
    bodies: [""],
    connections: 2,
    inFlight: 8,
  };
  const idle = (durationMs: number) => system.load({ ...job, durationMs });
  const attacked = async (durationMs: number): Promise<Sample> => {
    const attack = attacker.ask({ port: system.gatehouse.port, durationMs: durationMs + 300 });
    const sample = await idle(durationMs);
    await attack;
    return latencyAsRate(sample);
  };
  try {
    return await alternate(pace, attacked, async (durationMs) => latencyAsRate(await idle(durationMs)));
  } finally {
    attacker.stop();
  }
}

export const abuseRow: BenchRow = { name: "abuse", unit: "ms p99", target: 2, better: "lower", run };
