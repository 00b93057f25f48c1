// Sessions in memory: what is stored is told, what is ended was live.
import type { IssuedTokens, LiveSession, NewSession, Sessions, SuccessorSession } from "../../src/kernel/sessions.ts";

export interface FakeSessions extends Sessions {
  readonly prepared: NewSession[];
  readonly succeeded: SuccessorSession[];
  readonly stored: string[];
  readonly sealed: Buffer[];
  readonly ended: { readonly principalId: string; readonly sessionId: string; readonly reason: string }[];
}

export const fakeSessionId = "0198f000-0000-7000-8000-0000000000f1";

function tokensFor(now: Date, scopes: readonly string[], audience: string | undefined): IssuedTokens {
  const inAnHour = new Date(now.getTime() + 3_600_000);
  return {
    accessToken: "access",
    accessTokenExpiresAt: inAnHour,
    refreshToken: "refresh",
    refreshTokenExpiresAt: inAnHour,
    sessionId: fakeSessionId,
    scopes: scopes.length === 0 ? ["*"] : scopes,
    audience: audience ?? "gatehouse",
    scheme: "bearer",
  };
}

export function fakeSessions(live: readonly (LiveSession & { readonly principalId: string })[] = []): FakeSessions {
  const fake: FakeSessions = {
    prepared: [],
    succeeded: [],
    stored: [],
    sealed: [],
    ended: [],
    async prepare(session, sealDevice) {
      fake.prepared.push(session);
      fake.sealed.push(await sealDevice(fakeSessionId, Buffer.from(session.deviceName)));
      return {
        tokens: tokensFor(session.now, session.scopes, session.audience),
        store: async () => void fake.stored.push(fakeSessionId),
      };
    },
    async prepareSuccessor(session) {
      const { former, now } = session;
      if (!live.some(({ principalId, id }) => principalId === former.id && id === former.sessionId)) return undefined;
      fake.succeeded.push(session);
      return { tokens: tokensFor(now, [], undefined), store: async () => void fake.stored.push(fakeSessionId) };
    },
    async list(principalId, after, limit) {
      const own = live.filter((session) => session.principalId === principalId);
      const start = after === undefined ? 0 : own.findIndex(({ id }) => id === after) + 1;
      return own.slice(start, start + limit);
    },
    async end(_tx, principalId, sessionId, reason) {
      const found = live.some((session) => session.principalId === principalId && session.id === sessionId);
      if (found) fake.ended.push({ principalId, sessionId, reason });
      return found;
    },
    async endAll(_tx, principalId, reason) {
      const ids = live.filter((session) => session.principalId === principalId).map(({ id }) => id);
      fake.ended.push(...ids.map((sessionId) => ({ principalId, sessionId, reason })));
      return ids;
    },
  };
  return fake;
}
