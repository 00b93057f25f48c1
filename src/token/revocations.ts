// What was revoked, as the feed told: kept in memory until the last token that it concerns has expired. Revocations go by
// the token's or the session's id, never by the token's text, because one token has several valid spellings.
import type { FeedEvent } from "../kernel/database.ts";

export interface Revocations {
  /** Taking an event twice changes nothing. Events of other kinds are left alone. */
  learn(events: readonly FeedEvent[]): void;
  revoked(tokenId: string, sessionId: string | undefined): boolean;
  /** Whether what was issued for this API key or binding is dead at this instant (Unix milliseconds). */
  credentialEnded(credentialId: string, now: number): boolean;
  /** Whether what was handed out through the client under this generation, and every older one, is dead. */
  clientEnded(clientId: string, generation: number): boolean;
  /**
   * Number of the last ending of whatever the principal was given through the client, that means something still. What is issued now
   * names it; what names none, or a lower one, is dead.
   */
  lastEnding(principalId: string, clientId: string): number | undefined;
  /** Forgets what means nothing any more. */
  sweep(now: Date): void;
  readonly size: number;
}

export function createRevocations(): Revocations {
  // By id, the time in Unix milliseconds after which it may be forgotten.
  const byKind = {
    token: new Map<string, number>(),
    session: new Map<string, number>(),
    credential: new Map<string, number>(),
    subject_client: new Map<string, number>(),
  };
  const { subject_client: endings } = byKind;

  const clients = new Map<string, { readonly generation: number; readonly until: number }>();

  // Those that have yet to end, and did since they were told of.
  const ends = new Map<string, { readonly at: number; readonly until: number }>();

  /** `<id>:<Unix milliseconds>`. */
  function learnEnd(key: string, until: number): void {
    const [id = "", at = ""] = key.split(":");
    const known = ends.get(id);
    ends.set(id, { at: Math.min(known?.at ?? Number(at), Number(at)), until: Math.max(known?.until ?? 0, until) });
  }

  /** `<id>:<generation>`, where an id holds no colon. */
  function learnClient(key: string, until: number): void {
    const [id = "", generation = ""] = key.split(":");
    const known = clients.get(id);
    clients.set(id, {
      generation: Math.max(known?.generation ?? 0, Number(generation)),
      until: Math.max(known?.until ?? 0, until),
    });
  }

  function isById(kind: FeedEvent["kind"]): kind is keyof typeof byKind {
    return Object.hasOwn(byKind, kind);
  }

  function learnOne({ kind, key, expiresAt }: FeedEvent): void {
    if (kind === "client") learnClient(key, expiresAt.getTime());
    if (kind === "credential_end") learnEnd(key, expiresAt.getTime());
    if (!isById(kind)) return;
    const known = byKind[kind].get(key) ?? 0;
    byKind[kind].set(key, Math.max(known, expiresAt.getTime()));
  }

  return {
    learn: (events) => events.forEach(learnOne),
    revoked: (tokenId, sessionId) =>
      (sessionId !== undefined && byKind.session.has(sessionId)) || byKind.token.has(tokenId),
    credentialEnded: (credentialId, now) =>
      byKind.credential.has(credentialId) || (ends.get(credentialId)?.at ?? Number.POSITIVE_INFINITY) <= now,
    clientEnded: (clientId, generation) => (clients.get(clientId)?.generation ?? 0) > generation,
    // Mostly there are none, and then nobody has to put two texts together.
    lastEnding: (principalId, clientId) => (endings.size === 0 ? undefined : endings.get(`${principalId}:${clientId}`)),
    sweep(now) {
      for (const map of Object.values(byKind)) {
        for (const [id, until] of map) if (until <= now.getTime()) map.delete(id);
      }
      for (const map of [clients, ends]) for (const [id, { until }] of map) if (until <= now.getTime()) map.delete(id);
    },
    get size() {
      return Object.values(byKind).reduce((sum, map) => sum + map.size, clients.size + ends.size);
    },
  };
}
