// What Introspect says of a refresh token: always from the database, since nobody asks often.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { IntrospectResponseSchema, TokenKind } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { Reason } from "../../kernel/errors.ts";
import { EncodedAnswer } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import { judgeRefresh, type RefreshStanding } from "../domain/refresh-rules.ts";
import type { RefreshToken, RefreshTokens } from "../refresh-tokens.ts";
import { findSession, findSessions, type StoredSession } from "./store.ts";

export type IntrospectedRefresh =
  /** Not one of ours. */
  | { readonly reason: Reason }
  | {
      /** UUID of the principal. */
      readonly subject: string;
      readonly clientId: string;
      readonly audience: string;
      /** Undefined = live. */
      readonly death: Reason | undefined;
      readonly answer: EncodedAnswer;
    };

export interface RefreshIntrospection {
  /** Errors: DATABASE_UNAVAILABLE. */
  read(token: string, now: Date): Promise<IntrospectedRefresh>;
  /** The same for each of them, by one statement. Errors: DATABASE_UNAVAILABLE. */
  readAll(tokens: readonly string[], now: Date): Promise<ReadonlyMap<string, IntrospectedRefresh>>;
}

/** A look is no use: a token that was used up is reported dead, and its session lives. */
function deathOf(judgement: RefreshStanding): Reason | undefined {
  if (judgement.is === "CURRENT") return undefined;
  const late = judgement.is === "DEAD" && ["SESSION_EXPIRED", "SESSION_IDLE"].includes(judgement.reason);
  return late ? "TOKEN_EXPIRED" : "TOKEN_REVOKED";
}

function encode({ facts, refreshedAt, idleExpiresAt }: StoredSession, issuer: string): EncodedAnswer {
  const message = create(IntrospectResponseSchema, {
    active: true,
    kind: TokenKind.REFRESH,
    issuer,
    subject: formatId("principal", facts.principalId),
    audience: facts.audience,
    clientId: facts.clientId,
    sessionId: formatId("session", facts.id),
    scopes: [...facts.scopes],
    authenticationMethods: [...facts.authenticationMethods],
    authenticationContext: facts.authenticationContext,
    authenticationTime: timestampFromDate(facts.authenticatedAt),
    issueTime: timestampFromDate(refreshedAt),
    expireTime: timestampFromDate(idleExpiresAt),
  });
  return new EncodedAnswer(toBinary(IntrospectResponseSchema, message));
}

export function createRefreshIntrospection(deps: {
  readonly refreshTokens: RefreshTokens;
  readonly reader: Reader;
  readonly issuer: string;
}): RefreshIntrospection {
  function judge(
    presented: RefreshToken | undefined,
    session: StoredSession | undefined,
    now: Date,
  ): IntrospectedRefresh {
    if (presented === undefined) return { reason: "TOKEN_MALFORMED" };
    if (session === undefined) return { reason: "TOKEN_REVOKED" };
    const { principalId: subject, clientId, audience } = session.facts;
    const death = deathOf(judgeRefresh(presented, session, 0, now));
    return { subject, clientId, audience, death, answer: encode(session, deps.issuer) };
  }

  return {
    async read(token, now) {
      const presented = deps.refreshTokens.read(token);
      return judge(presented, presented && (await findSession(deps.reader, presented.sessionId)), now);
    },
    async readAll(tokens, now) {
      const read = new Map(tokens.map((token) => [token, deps.refreshTokens.read(token)] as const));
      const ids = [...read.values()].flatMap((presented) => presented?.sessionId ?? []);
      const sessions = ids.length === 0 ? [] : await findSessions(deps.reader, [...new Set(ids)]);
      const byId = new Map(sessions.map((session) => [session.facts.id, session]));
      return new Map(
        [...read].map(([token, presented]) => [token, judge(presented, byId.get(presented?.sessionId ?? ""), now)]),
      );
    },
  };
}
