// TokenService.Introspect: whether a token is live, and what it claims (RFC 7662).
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import {
  Consistency,
  type IntrospectRequest,
  IntrospectResponseSchema,
  TokenKind,
  type TokenService,
} from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import { GatehouseError, grpcCode, type Reason } from "../../kernel/errors.ts";
import { type Call, callerOf, EncodedAnswer, type PromptHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Confirmation } from "../../kernel/principal.ts";
import type { Actor } from "../domain/delegation.ts";
import { refreshTokenPrefix } from "../domain/refresh-token.ts";
import type { Finding } from "../liveness.ts";
import type { Validations } from "../meters.ts";
import type { VerifiedToken, Verifier } from "../verifier.ts";
import type { RefreshIntrospection } from "./introspect-refresh.ts";

export interface IntrospectDeps {
  readonly verifier: Pick<Verifier, "known" | "verify">;
  readonly liveness: {
    check(token: VerifiedToken, now: Date): Finding | Promise<Finding>;
    checkStrongly(token: VerifiedToken, now: Date): Promise<Finding>;
  };
  readonly refreshIntrospection: Pick<RefreshIntrospection, "read">;
  readonly validations: Validations;
}

/** `active: false` and nothing else is no bytes at all, whatever is wrong with the token (RFC 7662 section 2.2). */
const inactive = new EncodedAnswer(new Uint8Array(0));

const resource = "tokens";

/** A client that showed its secret may ask about what was given through it. */
function mayAsk(call: Call, subject: string, clientId: string): boolean {
  const caller = callerOf(call);
  return subject === caller.id || call.holds("token.introspect", resource) || clientId === caller.client;
}

function explain(call: Call, reason: Reason): EncodedAnswer {
  if (!call.holds("token.introspect.reason", resource)) return inactive;
  return new EncodedAnswer(toBinary(IntrospectResponseSchema, create(IntrospectResponseSchema, { reason })));
}

function confirmationOf({ kind, thumbprint }: Confirmation) {
  return kind === "key" ? { keyThumbprint: thumbprint } : { certificateThumbprint: thumbprint };
}

function actorOf({ subject, clientId }: Actor) {
  return { subject: subject === undefined ? "" : formatId("principal", subject), clientId };
}

function encode({ claims }: VerifiedToken): EncodedAnswer {
  const message = create(IntrospectResponseSchema, {
    active: true,
    kind: TokenKind.ACCESS,
    issuer: claims.issuer,
    subject: formatId("principal", claims.subject),
    audience: claims.audience,
    clientId: claims.clientId,
    tokenId: claims.tokenId,
    sessionId: claims.sessionId === undefined ? "" : formatId("session", claims.sessionId),
    scopes: [...claims.scopes],
    roles: [...claims.roles],
    authenticationMethods: [...claims.authenticationMethods],
    authenticationContext: claims.authenticationContext,
    authenticationTime: timestampFromMs(claims.authenticatedAt * 1000),
    issueTime: timestampFromMs(claims.issuedAt * 1000),
    notBeforeTime: timestampFromMs(claims.notBefore * 1000),
    expireTime: timestampFromMs(claims.expiresAt * 1000),
    ...(claims.confirmation && { confirmation: confirmationOf(claims.confirmation) }),
    actors: (claims.actors ?? []).map(actorOf),
    mayAct: claims.mayAct ?? "",
  });
  return new EncodedAnswer(toBinary(IntrospectResponseSchema, message));
}

/** Most tokens are asked about again and again, others once: only for those who come back is the answer kept. */
function answerOf(token: VerifiedToken): EncodedAnswer {
  if (token.answer !== undefined) return token.answer;
  const answer = encode(token);
  if (token.asked) token.answer = answer;
  token.asked = true;
  return answer;
}

/** What is wrong with a token is an answer here; that a database does not answer is not. */
async function verifyOrSay(
  verifier: IntrospectDeps["verifier"],
  token: string,
  now: Date,
): Promise<VerifiedToken | Reason> {
  try {
    return await verifier.verify(token, now);
  } catch (error) {
    if (error instanceof GatehouseError && error.code === grpcCode.UNAUTHENTICATED) return error.reason;
    throw error;
  }
}

export function createIntrospect(deps: IntrospectDeps): PromptHandler<typeof TokenService.method.introspect> {
  const { verifier, liveness, refreshIntrospection, validations } = deps;

  function dead(call: Call, reason: Reason): EncodedAnswer {
    validations.dead(reason);
    return explain(call, reason);
  }

  function withheld(): EncodedAnswer {
    validations.withheld();
    return inactive;
  }

  async function introspectRefresh(token: string, audience: string, call: Call): Promise<EncodedAnswer> {
    const found = await refreshIntrospection.read(token, call.now);
    if ("reason" in found) return dead(call, found.reason);
    if (!mayAsk(call, found.subject, found.clientId)) return withheld();
    if (found.death !== undefined) return dead(call, found.death);
    if (audience !== "" && audience !== found.audience) return dead(call, "TOKEN_WRONG_AUDIENCE");
    validations.valid();
    return found.answer;
  }

  function answer(token: VerifiedToken, verdict: Finding, audience: string, call: Call): EncodedAnswer {
    if (typeof verdict === "string") return dead(call, verdict);
    if (audience !== "" && audience !== token.claims.audience) return dead(call, "TOKEN_WRONG_AUDIENCE");
    validations.valid();
    return answerOf(token);
  }

  function introspectKnown(token: VerifiedToken, request: IntrospectRequest, call: Call) {
    if (!mayAsk(call, token.claims.subject, token.claims.clientId)) return withheld();
    const strong = request.consistency === Consistency.STRONG;
    const verdict = strong ? liveness.checkStrongly(token, call.now) : liveness.check(token, call.now);
    if (!(verdict instanceof Promise)) return answer(token, verdict, request.audience, call);
    return verdict.then((late) => answer(token, late, request.audience, call));
  }

  async function introspectNew(request: IntrospectRequest, call: Call): Promise<EncodedAnswer> {
    const token = await verifyOrSay(verifier, request.token, call.now);
    return typeof token === "string" ? dead(call, token) : await introspectKnown(token, request, call);
  }

  return (request, call) => {
    if (request.token.startsWith(refreshTokenPrefix)) return introspectRefresh(request.token, request.audience, call);
    const token = verifier.known(request.token);
    return token === undefined ? introspectNew(request, call) : introspectKnown(token, request, call);
  };
}
