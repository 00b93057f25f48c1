// The reference of login: raw @node-rs/argon2 at the default parameters, as many at once as the server has lanes.
import { hash, verify } from "@node-rs/argon2";
import { answerParent } from "../process.ts";
import type { Sample } from "../row.ts";

export interface HashJob {
  readonly lanes: number;
  readonly durationMs: number;
}

const password = "correct horse battery staple";
let phc: string | undefined;

async function run({ lanes, durationMs }: HashJob): Promise<Sample> {
  phc ??= await hash(password, { memoryCost: 65_536, timeCost: 3, parallelism: 2 });
  const known = phc;
  let count = 0;
  const began = performance.now();
  const until = began + durationMs;
  await Promise.all(
    Array.from({ length: lanes }, async () => {
      while (performance.now() < until) {
        await verify(known, password);
        count += 1;
      }
    }),
  );
  return { rate: count / ((performance.now() - began) / 1000), p50Ms: 0, p99Ms: 0 };
}

answerParent(run);
