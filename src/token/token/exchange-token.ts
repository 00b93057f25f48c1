// TokenService.ExchangeToken (RFC 8693): a token that a client was handed, for another that is narrower. It is the only way in which a
// token for an application's audience leads to Gatehouse itself.
import { create } from "@bufbuild/protobuf";
import {
  type ExchangeTokenRequest,
  ExchangeTokenResponseSchema,
  type TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { audienceWithin, scopesLeft } from "../../kernel/client-bounds.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Client, Clients, Standings } from "../../kernel/ports.ts";
import type { Standing } from "../../kernel/principal.ts";
import type { AccessTokens } from "../access-tokens.ts";
import type { AccessTokenClaims } from "../domain/claims.ts";
import {
  type Actor,
  type Hand,
  joinHands,
  mostActors,
  mostHands,
  mostOrigins,
  type Origin,
} from "../domain/delegation.ts";
import { narrowScopes } from "../domain/scopes.ts";
import { requireKinds } from "../exchange-kinds.ts";
import type { HandedToken, HandedTokens } from "../handed-tokens.ts";
import { issuedToken, wantedLifetime, wantedMayAct } from "../issued-token.ts";
import type { Proofs } from "../proofs.ts";

export interface ExchangeTokenDeps {
  readonly standings: Standings;
  readonly clients: Clients;
  readonly handedTokens: HandedTokens;
  readonly accessTokens: AccessTokens;
  readonly proofs: Proofs;
}

async function authenticateClient(
  clients: Clients,
  { client: shown }: ExchangeTokenRequest,
  call: Call,
): Promise<Client> {
  const client = await clients.authenticate(shown?.clientId ?? "", shown?.clientSecret ?? "", call.now);
  const { id: clientId, principalId } = client;
  const account =
    principalId === undefined
      ? ({ id: "", kind: "anonymous" } as const)
      : { id: principalId, kind: "service_account" as const };
  call.audit.actor = { ...account, sessionId: undefined, clientId };
  if (!client.exchange) throw new GatehouseError("CLIENT_NOT_ALLOWED");
  return client;
}

/** `may_act`: who was named may, and nobody else. */
function requireMayAct(mayAct: string | undefined, { clientId, subject }: Actor): void {
  if (mayAct === undefined || mayAct === clientId) return;
  if (subject === undefined || mayAct !== formatId("principal", subject)) throw new GatehouseError("ACTOR_NOT_ALLOWED");
}

type Owner = Pick<AccessTokenClaims, "subject" | "sessionId">;

function originOf({ token }: HandedToken, owner: Owner): Origin {
  const { kid, claims } = token;
  const { tokenId, clientId, clientGeneration, credentialId, since } = claims;
  const subject = claims.subject === owner.subject ? undefined : claims.subject;
  const sessionId = claims.sessionId === owner.sessionId ? undefined : claims.sessionId;
  return { tokenId, kid, clientId, clientGeneration, credentialId, since, subject, sessionId };
}

/** As its own token says, which may be of another than the new one's subject. */
function inheritedOrigins({ token: { claims } }: HandedToken, owner: Owner): readonly Origin[] {
  return (claims.origins ?? []).map((origin) => {
    const { subject = claims.subject } = origin;
    return subject === owner.subject ? origin : { ...origin, subject };
  });
}

/** Everything whose end is the end of the new token. */
function originsOf(handed: readonly HandedToken[], owner: Owner): readonly Origin[] {
  const origins = handed.flatMap((one) => [originOf(one, owner), ...inheritedOrigins(one, owner)]);
  if (origins.length > mostOrigins) throw new GatehouseError("ACTOR_CHAIN_TOO_LONG");
  return origins;
}

/** The client's own account, and the account of each token that was shown, with whoever had that before. */
function handsOf(account: Standing | undefined, handed: readonly HandedToken[], { subject }: Owner) {
  const own: readonly Hand[] = account ? [{ subject: account.principalId, generation: account.generation }] : [];
  const theirs = handed.flatMap(({ token: { claims } }) => [claims, ...(claims.hands ?? [])]);
  const hands = joinHands(subject, [...own, ...theirs]);
  if (hands !== undefined && hands.length > mostHands) throw new GatehouseError("ACTOR_CHAIN_TOO_LONG");
  return hands;
}

/** Earlier actors are kept as history, and decide nothing. */
function actorsOf(actor: Actor, { token: { claims } }: HandedToken): readonly Actor[] {
  const actors = [actor, ...(claims.actors ?? [])];
  if (actors.length > mostActors) throw new GatehouseError("ACTOR_CHAIN_TOO_LONG");
  return actors;
}

function describe({ audit }: Call, { token: { claims } }: HandedToken): void {
  audit.subjectId = claims.subject;
  audit.resources.push({ type: "principal", uid: formatId("principal", claims.subject) });
  audit.details = { ...audit.details, subject_token: claims.tokenId, subject_audience: claims.audience };
}

/** The subject's own: who it is, how it was authenticated, and its session, with which the new token ends. */
function ofSubject({ token: { claims }, standing }: HandedToken) {
  return {
    standing,
    sessionId: claims.sessionId,
    authenticationMethods: claims.authenticationMethods,
    authenticationContext: claims.authenticationContext,
    authenticatedAt: new Date(claims.authenticatedAt * 1000),
  };
}

export function createExchangeToken(deps: ExchangeTokenDeps): UnaryHandler<typeof TokenService.method.exchangeToken> {
  const { clients, handedTokens, accessTokens, proofs, standings } = deps;

  /** Undefined = the client acts as nobody in particular. Memory will do: what it does not know of yet ends the token later. */
  async function accountOf({ principalId }: Client): Promise<Standing | undefined> {
    if (principalId === undefined) return undefined;
    const account = await standings.of(principalId);
    if (account?.active === true) return account;
    throw new GatehouseError("CLIENT_NOT_ALLOWED", { auditReason: "PRINCIPAL_DISABLED" });
  }

  async function actorFor(client: Client, { actorToken }: ExchangeTokenRequest, now: Date) {
    if (actorToken === "") return { actor: { clientId: client.id, subject: client.principalId }, handed: [] };
    const handed = await handedTokens.read(actorToken, client, now, "ACTOR_TOKEN_INVALID");
    return { actor: { clientId: client.id, subject: handed.token.claims.subject }, handed: [handed] };
  }

  return async (request, call) => {
    requireKinds(request);
    const lifetimeMs = wantedLifetime(request.lifetime);
    const wanted = wantedMayAct(request.mayAct);
    const client = await authenticateClient(clients, request, call);
    const account = await accountOf(client);
    const subject = await handedTokens.read(request.subjectToken, client, call.now, "SUBJECT_TOKEN_INVALID");
    describe(call, subject);
    const { actor, handed } = await actorFor(client, request, call.now);
    const { claims } = subject.token;
    requireMayAct(claims.mayAct, actor);
    const bounds = {
      audience: audienceWithin(client, request.audience),
      scopes: narrowScopes(scopesLeft(client, claims.scopes), request.scopes),
    };
    const all = [subject, ...handed];
    const origins = originsOf(all, claims);
    const actors = actorsOf(actor, subject);
    const hands = handsOf(account, all, claims);
    const confirmation = await proofs.confirm(client, call);
    const token = await accessTokens.issue({
      ...ofSubject(subject),
      ...bounds,
      ...{ clientId: client.id, client, actors, origins, hands, confirmation, lifetimeMs },
      mayAct: wanted ?? claims.mayAct,
      now: call.now,
      endsBy: new Date(Math.min(...all.map(({ token: { liveUntil } }) => liveUntil))),
    });
    call.audit.resources.push({ type: "token", uid: token.tokenId });
    call.audit.details = { ...call.audit.details, audience: bounds.audience, scopes: [...bounds.scopes] };
    return create(ExchangeTokenResponseSchema, { issued: issuedToken(token, bounds, confirmation) });
  };
}
