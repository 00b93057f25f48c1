// What never changes about a session, remembered, so that a refresh can sign before its transaction and still be one
// statement. Nothing is decided by it: the statement finds out whether the session lives.
import type { Reader } from "../kernel/database.ts";
import { createRecentMap } from "../kernel/recent-map.ts";
import { findSession, type SessionFacts } from "./token/store.ts";

export interface SessionFactsSource {
  /** Undefined = no such session. Errors: DATABASE_UNAVAILABLE. */
  of(sessionId: string): Promise<SessionFacts | undefined>;
}

/** About half a KiB each. */
const rememberedSessions = 10_000;

export function createSessionFacts(reader: Reader): SessionFactsSource {
  const remembered = createRecentMap<SessionFacts>(rememberedSessions);
  return {
    async of(sessionId) {
      const known = remembered.get(sessionId);
      if (known !== undefined) return known;
      const session = await findSession(reader, sessionId);
      if (session !== undefined) remembered.set(sessionId, session.facts);
      return session?.facts;
    },
  };
}
