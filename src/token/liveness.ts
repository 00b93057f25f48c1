// Whether a verified token is live: its time, revocations, and the standing of its principal, asked on every use. From
// memory while that is at most a second old, else from the database; a part that is cut off from both refuses.
import type { Reader } from "../kernel/database.ts";
import type { Freshness, Standings } from "../kernel/ports.ts";
import type { Standing } from "../kernel/principal.ts";
import type { AccessTokenClaims } from "./domain/claims.ts";
import type { Hand } from "./domain/delegation.ts";
import type { Revocations } from "./revocations.ts";
import { readTokenStates } from "./token-state/store.ts";
import type { VerifiedToken } from "./verifier.ts";

export type DeathReason = "TOKEN_EXPIRED" | "TOKEN_NOT_YET_VALID" | "TOKEN_REVOKED";

/** Why the token is dead, or the standing of its living principal. */
export type Verdict = DeathReason | Standing;

/** As a verdict, for whoever needs to know no more than that the token lives. */
export type Finding = DeathReason | Pick<Standing, "principalId">;

export interface Liveness {
  /** At once when memory knows. Errors: DATABASE_UNAVAILABLE. */
  check(token: VerifiedToken, now: Date): Verdict | Promise<Verdict>;
  /** From the database, whatever memory says. Errors: DATABASE_UNAVAILABLE. */
  checkStrongly(token: VerifiedToken, now: Date): Promise<Verdict>;
  /** As `checkStrongly` for each, by one statement. Errors: DATABASE_UNAVAILABLE. */
  checkAllStrongly(tokens: readonly VerifiedToken[], now: Date): Promise<readonly Finding[]>;
}

export interface LivenessDeps {
  readonly revocations: Revocations;
  readonly standings: Standings;
  readonly freshness: Freshness;
  readonly reader: Reader;
}

/** What of a token, or of one that it was exchanged for, can have come to an end. */
type Endable = Pick<AccessTokenClaims, "tokenId" | "clientId" | "clientGeneration" | "credentialId" | "since">;

function outOfTime(token: VerifiedToken, now: Date): DeathReason | undefined {
  const at = now.getTime();
  if (at >= token.liveUntil) return "TOKEN_EXPIRED";
  return at < token.liveFrom ? "TOKEN_NOT_YET_VALID" : undefined;
}

function judge(token: VerifiedToken, standing: Standing | undefined): Verdict {
  return standing !== undefined && stands(standing, token.claims.generation) ? standing : "TOKEN_REVOKED";
}

/** Signed by a replica that knows of a change which this one has yet to hear of. */
function isBehind(standing: Standing | undefined, generation: number): boolean {
  return standing !== undefined && standing.generation < generation;
}

const stands = (standing: Standing | undefined, generation: number): boolean =>
  standing?.active === true && standing.generation === generation;

export function createLiveness({ revocations, standings, freshness, reader }: LivenessDeps): Liveness {
  function ended(endable: Endable, subject: string, sessionId: string | undefined, now: number): boolean {
    const { tokenId, clientId, clientGeneration, credentialId, since = 0 } = endable;
    if (revocations.revoked(tokenId, sessionId)) return true;
    if ((revocations.lastEnding(subject, clientId) ?? 0) > since) return true;
    if (clientGeneration !== undefined && revocations.clientEnded(clientId, clientGeneration)) return true;
    return credentialId !== undefined && revocations.credentialEnded(credentialId, now);
  }

  function dead({ claims }: VerifiedToken, at: Date): boolean {
    const now = at.getTime();
    if (ended(claims, claims.subject, claims.sessionId, now)) return true;
    const { origins, subject } = claims;
    return origins?.some((origin) => ended(origin, origin.subject ?? subject, origin.sessionId, now)) ?? false;
  }

  async function askDatabase(token: VerifiedToken, now: Date): Promise<Verdict> {
    const [[state], standing] = await Promise.all([
      readTokenStates(reader, [token], now),
      standings.fresh(token.claims.subject),
    ]);
    return state?.revoked === false ? judge(token, standing) : "TOKEN_REVOKED";
  }

  async function standingOf(subject: string, generation: number): Promise<Standing | undefined> {
    const standing = await standings.of(subject);
    return isBehind(standing, generation) ? await standings.fresh(subject) : standing;
  }

  async function askStandings(token: VerifiedToken, now: Date): Promise<Verdict> {
    const { subject, generation, hands = [] } = token.claims;
    const [standing, ...others] = await Promise.all(
      [{ subject, generation }, ...hands].map((one) => standingOf(one.subject, one.generation)),
    );
    const held = hands.every((hand, index) => stands(others[index], hand.generation));
    // The wait was long enough for a revocation to come in.
    return dead(token, now) || !held ? "TOKEN_REVOKED" : judge(token, standing);
  }

  /** Whether everybody through whose hands the token went stands; undefined = memory cannot say. */
  function handsStand(hands: readonly Hand[]): boolean | undefined {
    const found = hands.map(({ subject, generation }) => ({ generation, standing: standings.peek(subject) }));
    if (found.some(({ standing, generation }) => standing === undefined || isBehind(standing, generation)))
      return undefined;
    return found.every(({ standing, generation }) => stands(standing, generation));
  }

  return {
    check(token, now) {
      const reason = outOfTime(token, now);
      if (reason !== undefined) return reason;
      if (dead(token, now)) return "TOKEN_REVOKED";
      if (!freshness.fresh(now)) return askDatabase(token, now);
      const { subject, generation, hands } = token.claims;
      const standing = standings.peek(subject);
      const held = hands === undefined || handsStand(hands);
      if (standing === undefined || isBehind(standing, generation) || held === undefined)
        return askStandings(token, now);
      return held ? judge(token, standing) : "TOKEN_REVOKED";
    },
    async checkStrongly(token, now) {
      return outOfTime(token, now) ?? (await askDatabase(token, now));
    },
    async checkAllStrongly(tokens, now) {
      // The statement asks after the principals as well.
      const states = await readTokenStates(reader, tokens, now);
      return tokens.map((token, index) => {
        const alive = states[index]?.revoked === false;
        return outOfTime(token, now) ?? (alive ? { principalId: token.claims.subject } : "TOKEN_REVOKED");
      });
    },
  };
}
