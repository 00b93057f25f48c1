// TokenService.Revoke: ends a token (RFC 7009). Whatever has no effect is answered like what has one, and takes the same
// way, down to the record, so that nobody learns of a token that is not theirs.
import { create } from "@bufbuild/protobuf";
import { RevokeResponseSchema, type TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, grpcCode } from "../../kernel/errors.ts";
import { type Call, callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import { refreshTokenPrefix } from "../domain/refresh-token.ts";
import type { RefreshTokens } from "../refresh-tokens.ts";
import type { SessionFactsSource } from "../session-facts.ts";
import { endAndAnnounce } from "../sessions.ts";
import { clockSkewMs, type TokenSettings } from "../settings.ts";
import type { VerifiedToken, Verifier } from "../verifier.ts";

export interface RevokeDeps {
  readonly verifier: Verifier;
  readonly refreshTokens: RefreshTokens;
  readonly sessionFacts: SessionFactsSource;
  readonly settings: TokenSettings;
}

/** What is done in the transaction; undefined = nothing, because the token is unknown, dead or another's. */
type Effect = ((tx: Transaction) => Promise<void>) | undefined;

/** RFC 7009 section 2.1: a client ends what was given through it, whoever that speaks for. */
function mayEnd(call: Call, subject: string, clientId: string): boolean {
  const caller = callerOf(call);
  return subject === caller.id || clientId === caller.client || call.holds("token.revoke", "tokens");
}

async function verifyIfGood(verifier: Verifier, token: string, now: Date): Promise<VerifiedToken | undefined> {
  try {
    return await verifier.verify(token, now);
  } catch (error) {
    if (error instanceof GatehouseError && error.code === grpcCode.UNAUTHENTICATED) return undefined;
    throw error;
  }
}

export function createRevoke(deps: RevokeDeps): UnaryHandler<typeof TokenService.method.revoke> {
  const { verifier, refreshTokens, sessionFacts, settings } = deps;

  async function endAccessToken(text: string, call: Call): Promise<Effect> {
    const token = verifier.known(text) ?? (await verifyIfGood(verifier, text, call.now));
    if (token === undefined || token.liveUntil <= call.now.getTime()) return undefined;
    if (!mayEnd(call, token.claims.subject, token.claims.clientId)) return undefined;
    const { tokenId, sessionId } = token.claims;
    call.audit.resources.push({ type: "token", uid: tokenId });
    if (sessionId !== undefined) call.audit.resources.push({ type: "session", uid: formatId("session", sessionId) });
    // Its spellings die with it: what is announced is the id.
    const event = { kind: "token", key: tokenId, expiresAt: new Date(token.liveUntil + clockSkewMs) } as const;
    return async (tx) => tx.announce(event);
  }

  /** A token that was used up ends the session too: whoever sends it here wants it ended. */
  async function endRefreshToken(text: string, call: Call): Promise<Effect> {
    const token = refreshTokens.read(text);
    const facts = token && (await sessionFacts.of(token.sessionId));
    if (facts === undefined || !mayEnd(call, facts.principalId, facts.clientId)) return undefined;
    call.audit.resources.push({ type: "session", uid: formatId("session", facts.id) });
    const ending = { principalId: facts.principalId, sessionId: facts.id, reason: "TOKEN_REVOKED", now: call.now };
    return async (tx) => void (await endAndAnnounce(tx, settings, ending));
  }

  return async ({ token }, call) => {
    const isRefreshToken = token.startsWith(refreshTokenPrefix);
    const effect = await (isRefreshToken ? endRefreshToken(token, call) : endAccessToken(token, call));
    if (effect === undefined) call.audit.details = { ...call.audit.details, effect: "none" };
    return await call.commit(async (tx) => {
      await effect?.(tx);
      return create(RevokeResponseSchema);
    });
  };
}
