// How long a pair of tokens is good for, by the clock of this machine.
import type { Tokens } from "./tokens.ts";

/** The part of an access token's life after which it is renewed ahead of its end. */
const renewAfter = 0.8;

export interface HeldTokens {
  readonly tokens: Tokens;
  /** When it came here; 0 for tokens from a store. */
  readonly since: number;
  readonly renewAt: number;
  readonly diesAt: number;
}

function expiry(tokens: Tokens): number {
  const at = Date.parse(tokens.accessTokenExpiresAt);
  return Number.isNaN(at) ? Number.POSITIVE_INFINITY : at;
}

/**
 * Tokens that the server has just made. If they seem dead on arrival, it is the clock here that is wrong: they are used
 * until the server refuses them, not renewed on every call.
 */
export function holdFresh(tokens: Tokens, now: number): HeldTokens {
  const life = expiry(tokens) - now;
  if (life <= 0) return { tokens, since: now, renewAt: Number.POSITIVE_INFINITY, diesAt: Number.POSITIVE_INFINITY };
  return { tokens, since: now, renewAt: now + life * renewAfter, diesAt: now + life };
}

/** Tokens out of a store, of unknown age: renewed when most of what is left has passed, or at once. */
export function holdStored(tokens: Tokens, now: number): HeldTokens {
  const life = Math.max(0, expiry(tokens) - now);
  return { tokens, since: 0, renewAt: now + life * renewAfter, diesAt: now + life };
}
