// AuthService.WhoAmI: what the presented token says, and what its holder may do as of now.
import { create, toBinary } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type AuthService,
  PrincipalKind,
  WhoAmIResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { callerOf, EncodedAnswer, type PromptHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Principal } from "../../kernel/principal.ts";

const kinds = { person: PrincipalKind.PERSON, service_account: PrincipalKind.SERVICE_ACCOUNT } as const;

function encode(caller: Principal): EncodedAnswer {
  const message = create(WhoAmIResponseSchema, {
    principalId: formatId("principal", caller.id),
    kind: kinds[caller.kind],
    sessionId: caller.sessionId === undefined ? "" : formatId("session", caller.sessionId),
    clientId: caller.clientId,
    roles: [...caller.standing.roles],
    scopes: [...caller.scopes],
    authenticationMethods: [...caller.authenticationMethods],
    authenticationTime: timestampFromDate(caller.authenticatedAt),
    tokenExpireTime: timestampFromDate(caller.tokenExpiresAt),
  });
  return new EncodedAnswer(toBinary(WhoAmIResponseSchema, message));
}

export function createWhoAmI(): PromptHandler<typeof AuthService.method.whoAmI> {
  // A principal is replaced as a whole when anything about it changes, so the bytes hold as long as it does.
  const answers = new WeakMap<Principal, EncodedAnswer>();
  return (_request, call) => {
    const caller = callerOf(call);
    const known = answers.get(caller);
    if (known !== undefined) return known;
    const answer = encode(caller);
    answers.set(caller, answer);
    return answer;
  };
}
