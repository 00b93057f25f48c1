// Sessions, as Auth sees them: opened by a login, listed and ended by their owner.
import type { Reader, Transaction } from "../kernel/database.ts";
import { uuidv7 } from "../kernel/ids.ts";
import type { Client, Clients } from "../kernel/ports.ts";
import type { Confirmation } from "../kernel/principal.ts";
import type { SubjectKeys } from "../kernel/sealing.ts";
import type { LiveSession, NewSession, PreparedSession, Sessions } from "../kernel/sessions.ts";
import type { AccessTokens } from "./access-tokens.ts";
import { encodeDevice, openDevice } from "./device.ts";
import { sessionScopes } from "./domain/scopes.ts";
import type { Proofs } from "./proofs.ts";
import type { RefreshTokens } from "./refresh-tokens.ts";
import { idleExpiry, lastExpiry, type TokenSettings } from "./settings.ts";
import { endSessionsOf } from "./subject/store.ts";
import { createPrepareSuccessor, type PrepareBound } from "./succession.ts";
import { endSession, insertSession, type ListedSession, listSessions, type SessionFacts } from "./token/store.ts";

export interface SessionsDeps {
  readonly accessTokens: AccessTokens;
  readonly refreshTokens: RefreshTokens;
  readonly subjectKeys: SubjectKeys;
  readonly proofs: Pick<Proofs, "confirm">;
  readonly clients: Clients;
  readonly reader: Reader;
  readonly settings: TokenSettings;
}

function factsOf(session: Omit<NewSession, "possession">, settings: TokenSettings): SessionFacts {
  return {
    id: uuidv7(session.now),
    principalId: session.standing.principalId,
    principalGeneration: session.standing.generation,
    clientId: session.clientId,
    clientGeneration: session.client?.generation,
    audience: session.audience ?? settings.defaultAudience,
    scopes: sessionScopes(session.scopes),
    authenticationMethods: session.authenticationMethods,
    authenticationContext: session.authenticationContext,
    authenticatedAt: session.now,
    absoluteExpiresAt: new Date(session.now.getTime() + settings.sessionAbsoluteMs),
  };
}

/** RFC 9449 section 5: a public client has no secret that would guard its refresh tokens, so they are bound as well. */
function guardOf(client: Client | undefined, confirmation: Confirmation | undefined): Confirmation | undefined {
  return client?.confidential === true ? undefined : confirmation;
}

/** Ends a live session, and tells every replica that its access tokens are dead. False when there is none. */
export async function endAndAnnounce(
  tx: Transaction,
  settings: TokenSettings,
  ending: { readonly principalId: string; readonly sessionId: string; readonly reason: string; readonly now: Date },
): Promise<boolean> {
  const { principalId, sessionId, reason, now } = ending;
  if (!(await endSession(tx, principalId, sessionId, reason, now))) return false;
  tx.announce({ kind: "session", key: sessionId, expiresAt: lastExpiry(settings, now) });
  return true;
}

function createPrepareBound({ accessTokens, refreshTokens, settings }: SessionsDeps): PrepareBound {
  return async (session, confirmation, seal): Promise<PreparedSession> => {
    const { now, standing, deviceName, peer, client } = session;
    const facts = { ...factsOf(session, settings), confirmation: guardOf(client, confirmation) };
    const idleExpiresAt = idleExpiry(settings, facts.absoluteExpiresAt, now, client?.refreshTokenLifetimeMs);
    const refreshToken = refreshTokens.write({ sessionId: facts.id, number: 1 });
    const [accessToken, device] = await Promise.all([
      accessTokens.issue({ ...facts, confirmation, client, sessionId: facts.id, standing, now, endsBy: idleExpiresAt }),
      seal(facts.id, encodeDevice({ name: deviceName, ...peer })),
    ]);
    const row = { ...facts, device, createdAt: now, refreshKeyVersion: refreshToken.keyVersion, idleExpiresAt };
    return {
      tokens: {
        accessToken: accessToken.text,
        accessTokenExpiresAt: accessToken.expiresAt,
        refreshToken: refreshToken.text,
        refreshTokenExpiresAt: idleExpiresAt,
        sessionId: facts.id,
        scopes: facts.scopes,
        audience: facts.audience,
        scheme: confirmation?.kind === "key" ? "dpop" : "bearer",
      },
      store: (tx) => insertSession(tx, row),
    };
  };
}

export function createSessions(deps: SessionsDeps): Sessions {
  const { subjectKeys, reader, settings, proofs } = deps;
  const prepareBound = createPrepareBound(deps);

  async function unseal(principalId: string, session: ListedSession): Promise<LiveSession> {
    const { name, address } = await openDevice(subjectKeys, principalId, session);
    const { id, createdAt, refreshedAt, idleExpiresAt, absoluteExpiresAt } = session;
    return { id, deviceName: name, address, createdAt, refreshedAt, idleExpiresAt, absoluteExpiresAt };
  }

  return {
    prepare: async (session, seal) => prepareBound(session, await proofs.confirm(session.client, session), seal),
    prepareSuccessor: createPrepareSuccessor({ ...deps, prepareBound }),
    async list(principalId, after, limit, now) {
      const listed = await listSessions(reader, principalId, after, limit, now);
      return await Promise.all(listed.map((session) => unseal(principalId, session)));
    },
    end: (tx, principalId, sessionId, reason, now) =>
      endAndAnnounce(tx, settings, { principalId, sessionId, reason, now }),
    endAll: (tx, principalId, reason, now) => endSessionsOf(tx, { principalId, clientId: undefined, reason, now }),
  };
}
