// TokenService.Refresh: renews the tokens of a session (docs/decisions/0014-refresh-tokens.md, RFC 9700 section 4.14.2).
//
// The access token is signed before the transaction, whose only statement then decides whether it leaves; refreshes that come
// at the same time share it. Who is not let through there finds out why in a transaction of its own. So a key home
// that does not answer costs nobody their session, and none waits for it while holding a connection; what is wasted is
// one signature for whoever holds a genuine token that is used up. Nothing is signed for a token that is not ours.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { RefreshResponseSchema, type TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { scopesLeft } from "../../kernel/client-bounds.ts";
import type { Transaction } from "../../kernel/database.ts";
import { errorTable, GatehouseError, grpcCode } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Client, Clients, Freshness, Standings } from "../../kernel/ports.ts";
import type { Confirmation, Standing } from "../../kernel/principal.ts";
import type { SharedEffect } from "../../kernel/unit-of-work.ts";
import type { AccessToken, AccessTokens } from "../access-tokens.ts";
import { judgeRefresh, type ReuseClass } from "../domain/refresh-rules.ts";
import { narrowScopes } from "../domain/scopes.ts";
import { presentationOf } from "../issued-token.ts";
import type { Proofs } from "../proofs.ts";
import type { RefreshToken, RefreshTokens } from "../refresh-tokens.ts";
import { authenticateClient, clientFault } from "../session-client.ts";
import type { SessionFactsSource } from "../session-facts.ts";
import { type Renewal, type Rotation, rotateSession, rotateSessions, touchSession } from "../session-renewal/store.ts";
import { endAndAnnounce } from "../sessions.ts";
import { idleExpiry, type TokenSettings } from "../settings.ts";
import { lockSession, type SessionFacts } from "./store.ts";

export interface RefreshDeps {
  readonly refreshTokens: RefreshTokens;
  readonly accessTokens: AccessTokens;
  readonly sessionFacts: SessionFactsSource;
  readonly proofs: Pick<Proofs, "confirm">;
  readonly clients: Clients;
  readonly standings: Standings;
  readonly freshness: Freshness;
  readonly settings: TokenSettings;
}

interface Successor {
  readonly text: string;
  readonly expiresAt: Date;
}

/** Undefined = the token was reused, and its session has been ended. */
interface Outcome {
  readonly successor: Successor | undefined;
}

/** The successor of a current token; no other case is one statement for many. */
const rotation: SharedEffect<Rotation, true> = {
  apply: async (tx, rotations) => (await rotateSessions(tx, rotations)).map((rotated) => rotated || undefined),
};

const reuseReason = "REFRESH_TOKEN_REUSED";

/** One answer, whatever is wrong; the audit trail knows better. */
function refused(auditReason: string): GatehouseError {
  return new GatehouseError("REFRESH_TOKEN_INVALID", { auditReason });
}

function describe({ audit }: Call, facts: SessionFacts): void {
  audit.actor = { id: facts.principalId, kind: "person", sessionId: facts.id, clientId: facts.clientId };
  audit.subjectId = facts.principalId;
  audit.resources.push({ type: "session", uid: formatId("session", facts.id) });
}

/** The record of a reuse commits with the end of the session, so it is written here and not where failures are. */
function describeReuse({ audit }: Call, classification: ReuseClass): void {
  audit.event = "authn.token_reuse";
  audit.outcome = "FAILURE";
  audit.reason = reuseReason;
  audit.grpcCode = grpcCode.UNAUTHENTICATED;
  audit.details = { ...audit.details, code: errorTable.REFRESH_TOKEN_INVALID.id, classification };
}

/** Memory is believed when it says that the principal stands; the transaction asks again. */
async function standingOf({ standings, freshness }: RefreshDeps, facts: SessionFacts, now: Date): Promise<Standing> {
  const stands = (standing: Standing | undefined): standing is Standing =>
    standing?.active === true && standing.generation === facts.principalGeneration;
  const known = freshness.fresh(now) ? await standings.of(facts.principalId) : undefined;
  const standing = stands(known) ? known : await standings.fresh(facts.principalId);
  if (!stands(standing)) throw refused("PRINCIPAL_DISABLED");
  return standing;
}

/** The token was not current: an honest racer, a dead session, or a reuse. */
async function settle(deps: RefreshDeps, tx: Transaction, call: Call, presented: RefreshToken): Promise<Outcome> {
  const { sessionId } = presented;
  const session = await lockSession(tx, sessionId);
  if (session === undefined) throw refused("SESSION_UNKNOWN");
  const judgement = judgeRefresh(presented, session, deps.settings.refreshGraceMs, call.now);
  if (judgement.is === "DEAD") throw refused(judgement.reason);
  // It became current between two statements: the principal was let in again. The next try will do.
  if (judgement.is === "CURRENT") throw refused("PRINCIPAL_DISABLED");
  if (judgement.is === "REPEATED") {
    call.audit.details = { ...call.audit.details, successor: "repeated" };
    const { text } = deps.refreshTokens.write({ sessionId, number: session.number }, session.keyVersion);
    return { successor: { text, expiresAt: session.idleExpiresAt } };
  }
  const { principalId } = session.facts;
  await endAndAnnounce(tx, deps.settings, { principalId, sessionId, reason: reuseReason, now: call.now });
  describeReuse(call, judgement.classification);
  return { successor: undefined };
}

/** What the new access token is bound to. Throws REFRESH_TOKEN_INVALID when the session is bound to something else. */
async function confirmationOf(
  proofs: RefreshDeps["proofs"],
  client: Client | undefined,
  facts: SessionFacts,
  call: Call,
) {
  const confirmation = await proofs.confirm(client, call);
  const bound = facts.confirmation;
  if (bound !== undefined && (confirmation?.kind !== bound.kind || confirmation.thumbprint !== bound.thumbprint))
    throw refused("TOKEN_BOUND");
  return confirmation;
}

interface Access {
  readonly access: AccessToken;
  readonly confirmation: Confirmation | undefined;
}

function answer(facts: SessionFacts, scopes: readonly string[], { access, confirmation }: Access, refresh: Successor) {
  return create(RefreshResponseSchema, {
    tokens: {
      accessToken: access.text,
      accessTokenExpireTime: timestampFromDate(access.expiresAt),
      refreshToken: refresh.text,
      refreshTokenExpireTime: timestampFromDate(refresh.expiresAt),
      sessionId: formatId("session", facts.id),
      scopes: [...scopes],
      audience: facts.audience,
      presentation: presentationOf(confirmation),
    },
  });
}

export function createRefresh(deps: RefreshDeps): UnaryHandler<typeof TokenService.method.refresh> {
  const { refreshTokens, accessTokens, sessionFacts, settings } = deps;

  /** Names the session in the record before anything can refuse. */
  async function identify(token: string, call: Call): Promise<{ presented: RefreshToken; facts: SessionFacts }> {
    const presented = refreshTokens.read(token);
    if (presented === undefined) throw refused("REFRESH_TOKEN_FORGED");
    const facts = await sessionFacts.of(presented.sessionId);
    if (facts === undefined) throw refused("SESSION_UNKNOWN");
    describe(call, facts);
    return { presented, facts };
  }

  /** The text of the successor; undefined = the presented one is not current. */
  async function rotate(tx: Transaction, renewal: Renewal): Promise<string | undefined> {
    const { sessionId, number } = renewal.presented;
    const next = refreshTokens.write({ sessionId, number: number + 1 });
    return (await rotateSession(tx, { ...renewal, nextKeyVersion: next.keyVersion })) ? next.text : undefined;
  }

  /** The same, with all who refresh now. Undefined also when somebody is just changing the session. */
  async function rotateTogether(call: Call, renewal: Renewal): Promise<string | undefined> {
    const { sessionId, number } = renewal.presented;
    const next = refreshTokens.write({ sessionId, number: number + 1 });
    const rotated = await call.commitTogether(rotation, { ...renewal, nextKeyVersion: next.keyVersion });
    return rotated && next.text;
  }

  /** J-05: of a confidential client whose settings say so. The token stays what it is, and so does its text. */
  async function keep(tx: Transaction, renewal: Renewal): Promise<string | undefined> {
    const { presented } = renewal;
    return (await touchSession(tx, renewal)) ? refreshTokens.write(presented, presented.keyVersion).text : undefined;
  }

  async function renew(call: Call, renewal: Renewal, client: Client | undefined): Promise<Outcome> {
    const { presented, idleExpiresAt } = renewal;
    const keeps = client?.refreshRotation === "off";
    const together = keeps ? undefined : await rotateTogether(call, renewal);
    if (together !== undefined) return { successor: { text: together, expiresAt: idleExpiresAt } };
    const renewAlone = keeps ? keep : rotate;
    return await call.commit<Outcome>(async (tx) => {
      const renewed = await renewAlone(tx, renewal);
      if (renewed === undefined) return await settle(deps, tx, call, presented);
      return { successor: { text: renewed, expiresAt: idleExpiresAt } };
    });
  }

  return async (request, call) => {
    const { now } = call;
    const client = await authenticateClient(deps.clients, request, now);
    const { presented, facts } = await identify(request.refreshToken, call);
    const fault = clientFault(client, facts);
    if (fault !== undefined) throw refused(fault);
    const given = client === undefined ? facts.scopes : scopesLeft(client, facts.scopes);
    const scopes = narrowScopes(given, request.scopes);
    const standing = await standingOf(deps, facts, now);
    const idleExpiresAt = idleExpiry(settings, facts.absoluteExpiresAt, now, client?.refreshTokenLifetimeMs);
    const confirmation = await confirmationOf(deps.proofs, client, facts, call);
    const order = { ...facts, confirmation, client, sessionId: facts.id, scopes, standing, now, endsBy: idleExpiresAt };
    const access = await accessTokens.issue(order);
    const { successor } = await renew(call, { presented, now, idleExpiresAt }, client);
    if (successor === undefined) throw refused(reuseReason);
    return answer(facts, scopes, { access, confirmation }, successor);
  };
}
