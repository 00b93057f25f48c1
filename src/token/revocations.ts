// What was revoked, as the feed told: kept in memory until the last token that it concerns has expired. Revocations go by
// the token's or the session's id, never by the token's text, because one token has several valid spellings.
import type { FeedEvent } from "../kernel/database.ts";

export interface Revocations {
  /** Taking an event twice changes nothing. Events of other kinds are left alone. */
  learn(events: readonly FeedEvent[]): void;
  revoked(tokenId: string, sessionId: string): boolean;
  /** Forgets what means nothing any more. */
  sweep(now: Date): void;
  readonly size: number;
}

export function createRevocations(): Revocations {
  // By id, the time in Unix milliseconds after which it may be forgotten.
  const byKind = { token: new Map<string, number>(), session: new Map<string, number>() };

  function learnOne({ kind, key, expiresAt }: FeedEvent): void {
    if (kind === "principal" || kind === "role") return;
    const known = byKind[kind].get(key) ?? 0;
    byKind[kind].set(key, Math.max(known, expiresAt.getTime()));
  }

  return {
    learn: (events) => events.forEach(learnOne),
    revoked: (tokenId, sessionId) => byKind.session.has(sessionId) || byKind.token.has(tokenId),
    sweep(now) {
      for (const map of [byKind.token, byKind.session]) {
        for (const [id, until] of map) if (until <= now.getTime()) map.delete(id);
      }
    },
    get size() {
      return byKind.token.size + byKind.session.size;
    },
  };
}
