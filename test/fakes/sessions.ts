// Sessions in memory: what is stored is told, what is ended was live.
import type { LiveSession, NewSession, Sessions } from "../../src/kernel/ports.ts";

export interface FakeSessions extends Sessions {
  readonly prepared: NewSession[];
  readonly stored: string[];
  readonly sealed: Buffer[];
  readonly ended: { readonly principalId: string; readonly sessionId: string; readonly reason: string }[];
}

export const fakeSessionId = "0198f000-0000-7000-8000-0000000000f1";

export function fakeSessions(live: readonly (LiveSession & { readonly principalId: string })[] = []): FakeSessions {
  const fake: FakeSessions = {
    prepared: [],
    stored: [],
    sealed: [],
    ended: [],
    async prepare(session, sealDevice) {
      fake.prepared.push(session);
      fake.sealed.push(await sealDevice(fakeSessionId, Buffer.from(session.deviceName)));
      const inAnHour = new Date(session.now.getTime() + 3_600_000);
      return {
        tokens: {
          accessToken: "access",
          accessTokenExpiresAt: inAnHour,
          refreshToken: "refresh",
          refreshTokenExpiresAt: inAnHour,
          sessionId: fakeSessionId,
          scopes: session.scopes.length === 0 ? ["*"] : session.scopes,
          audience: session.audience ?? "gatehouse",
          scheme: "bearer",
        },
        store: async () => void fake.stored.push(fakeSessionId),
      };
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
  };
  return fake;
}
