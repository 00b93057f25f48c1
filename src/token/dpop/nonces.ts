// Nonces for DPoP proofs (RFC 9449 section 8): a proof made before its nonce was given out is worth nothing. Told by the time of day and
// a key that all replicas share, so that none is stored.
import type { Macs } from "../../kernel/sealing.ts";

export interface Nonces {
  current(now: Date): string;
  /** Also the one before, for whoever asked a moment ago, and the one after, which a replica may be at already. */
  accepts(nonce: string, now: Date): boolean;
}

const periodMs = 300_000;
const macBytes = 16;

export function createNonces(macs: Macs): Nonces {
  function nonceOf(period: number): string {
    const { value } = macs.mac("token-hash", ["dpop_nonce", String(period)]);
    return value.subarray(0, macBytes).toString("base64url");
  }
  const periodAt = (now: Date): number => Math.floor(now.getTime() / periodMs);
  return {
    current: (now) => nonceOf(periodAt(now)),
    // What is told to everyone who asks needs no comparison in constant time.
    accepts: (nonce, now) => [0, -1, 1].some((offset) => nonceOf(periodAt(now) + offset) === nonce),
  };
}
