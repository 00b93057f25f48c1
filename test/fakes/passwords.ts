// Hashing and strength that cost nothing and count their calls; the hash is predictable, so that tests can seed it.
import { createHash } from "node:crypto";
import type { PasswordHasher, StrengthEstimator } from "../../src/auth/ports.ts";

export interface CountingHasher extends PasswordHasher {
  readonly hashed: string[];
  readonly verified: { readonly phc: string; readonly password: string }[];
}

/** A PHC string whose tag is a plain digest; `cost` as in the string. */
export function cheapPhc(password: string, cost = "m=65536,t=3,p=2"): string {
  const tag = createHash("sha256").update(password).digest();
  const unpadded = (bytes: Buffer) => bytes.toString("base64").replace(/=+$/, "");
  return `$argon2id$v=19$${cost}$${unpadded(Buffer.alloc(16, 7))}$${unpadded(tag)}`;
}

export function countingHasher(): CountingHasher {
  const hashed: string[] = [];
  const verified: CountingHasher["verified"] = [];
  return {
    hashed,
    verified,
    cost: { memoryKib: 65_536, iterations: 3, parallelism: 2 },
    async hash(password) {
      hashed.push(password);
      return cheapPhc(password);
    },
    async verify(phc, password) {
      verified.push({ phc, password });
      return phc.split("$").at(-1) === cheapPhc(password).split("$").at(-1);
    },
  };
}

export const strongEnough: StrengthEstimator = { estimate: async () => ({ score: 4, common: false }) };
