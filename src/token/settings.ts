// What an operator decides about tokens, as the slice needs it.
import type { ForeignHmacKey } from "../kernel/sealing.ts";
import type { DpopSettings } from "./proofs.ts";

export interface TokenSettings {
  /** `iss` of every token. */
  readonly issuer: string;
  /** The audience of tokens that Gatehouse's own methods accept. */
  readonly ownAudience: string;
  /** The audience of the tokens that a login gives when nothing else is asked for. */
  readonly defaultAudience: string;
  readonly accessTokenLifetimeMs: number;
  /** Life of a refresh token that is not used. */
  readonly refreshTokenLifetimeMs: number;
  readonly refreshGraceMs: number;
  readonly sessionIdleMs: number;
  readonly sessionAbsoluteMs: number;
  /** Undefined = no audience keeps HS256. */
  readonly foreignHmacKey: ForeignHmacKey | undefined;
  readonly dpop: DpopSettings;
}

/** Clocks of replicas may differ by this much. Allowed for `nbf` and `iat`, never for `exp`. */
export const clockSkewMs = 30_000;

export function audiencesOf(settings: TokenSettings): ReadonlySet<string> {
  const { ownAudience, defaultAudience, foreignHmacKey } = settings;
  return new Set([ownAudience, defaultAudience, ...(foreignHmacKey === undefined ? [] : [foreignHmacKey.audience])]);
}

/** When every access token that was handed out until `now` has expired, on the slowest clock. */
export function lastExpiry(settings: TokenSettings, now: Date): Date {
  return new Date(now.getTime() + settings.accessTokenLifetimeMs + clockSkewMs);
}

/** When a session that is used now ends unless it is used again. `clientMs` is what its client allows. */
export function idleExpiry(
  settings: TokenSettings,
  absoluteExpiresAt: Date,
  now: Date,
  clientMs = Number.POSITIVE_INFINITY,
): Date {
  const idleMs = Math.min(settings.refreshTokenLifetimeMs, settings.sessionIdleMs, clientMs);
  return new Date(Math.min(now.getTime() + idleMs, absoluteExpiresAt.getTime()));
}
