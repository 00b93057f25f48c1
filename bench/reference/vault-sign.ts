// Signatures by Vault's Transit, in a process of their own: ours as the product makes them, and the same signature without
// batches through undici, or one at a time through node-vault.
import { hash } from "node:crypto";
import nodeVault from "node-vault";
import { Pool } from "undici";
import { Secret } from "../../src/kernel/secret.ts";
import { openVaultHome } from "../../src/keys/vault/open.ts";
import { openVault } from "../../src/vault/open.ts";
import { answerParent } from "../process.ts";
import type { Sample } from "../row.ts";

export interface VaultSignJob {
  readonly address: string;
  readonly token: string;
  readonly way: "coalesced" | "unbatched" | "one at a time";
  readonly inFlight: number;
  readonly durationMs: number;
}

type Sign = (input: Buffer) => Promise<unknown>;

const installationId = "018f0000-0000-7000-8000-00000000bec4";
const silent = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };
const path = `/v1/transit/sign/gatehouse-${installationId}-es256-1`;

function bodyOf(input: Buffer): object {
  return {
    prehashed: true,
    hash_algorithm: "sha2-256",
    marshaling_algorithm: "jws",
    input: hash("sha256", input, "base64"),
  };
}

async function coalesced({ address, token }: VaultSignJob): Promise<Sign> {
  const settings = { address, caFile: undefined, namespace: undefined, timeoutMs: 10_000 };
  const login = { method: "token", from: new Secret(token) } as const;
  const client = await openVault({ ...settings, login }, { logger: silent });
  const vault = { client, transitMount: "transit", deadlineMs: 10_000 };
  const { signing } = await openVaultHome({ vault, installationId, mayCreate: true });
  const key = await signing.generate("ES256", 1);
  return (input) => signing.sign(key, input);
}

function unbatched({ address, token }: VaultSignJob): Sign {
  const pool = new Pool(address, { connections: 64, pipelining: 1 });
  const headers = { "x-vault-token": token, "content-type": "application/json" };
  return async (input) => {
    const answer = await pool.request({ method: "POST", path, headers, body: JSON.stringify(bodyOf(input)) });
    return JSON.parse(await answer.body.text());
  };
}

function oneAtATime({ address, token }: VaultSignJob): Sign {
  const vault = nodeVault({ endpoint: address, token });
  return (input) => vault.write(path.replace("/v1/", ""), bodyOf(input));
}

async function open(job: VaultSignJob): Promise<Sign> {
  if (job.way === "coalesced") return await coalesced(job);
  return job.way === "unbatched" ? unbatched(job) : oneAtATime(job);
}

const opened = new Map<string, Promise<Sign>>();

async function run(job: VaultSignJob): Promise<Sample> {
  const sign = await (opened.get(job.way) ?? open(job));
  opened.set(job.way, Promise.resolve(sign));
  const took: number[] = [];
  const began = performance.now();
  const until = began + job.durationMs;
  let count = 0;
  await Promise.all(
    Array.from({ length: job.inFlight }, async () => {
      while (performance.now() < until) {
        const at = performance.now();
        count += 1;
        // As long as the signing input of an access token is.
        await sign(Buffer.from(`${"eyJhbGciOiJFUzI1NiJ9.".padEnd(400, "x")}${count}`));
        took.push(performance.now() - at);
      }
    }),
  );
  const sorted = Float64Array.from(took).sort();
  const share = (part: number) => sorted[Math.floor((sorted.length - 1) * part)] ?? 0;
  return { rate: took.length / ((performance.now() - began) / 1000), p50Ms: share(0.5), p99Ms: share(0.99) };
}

answerParent(run);
