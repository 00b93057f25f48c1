// SessionService.RevokeSession: ends one session of a person.
import { create } from "@bufbuild/protobuf";
import {
  RevokeSessionResponseSchema,
  type SessionService,
} from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";
import type { Sessions } from "../../kernel/sessions.ts";
import { namedPrincipal } from "../named-principal.ts";

export function createRevokeSession({
  sessions,
}: {
  readonly sessions: Sessions;
}): UnaryHandler<typeof SessionService.method.revokeSession> {
  return async (request, call) => {
    const owner = namedPrincipal(request.principalId, call);
    const sessionId = parseId("session", request.sessionId);
    if (sessionId === undefined) throw invalidField("session_id", "must be the id of a session");
    call.audit.resources.push(
      { type: "session", uid: formatId("session", sessionId) },
      { type: "principal", uid: formatId("principal", owner) },
    );
    await call.commit(async (tx) => {
      // Another person's session is as absent as one that never was: the owner is part of the question.
      const ended = await sessions.end(tx, owner, sessionId, "revoked", call.now);
      if (!ended) throw new GatehouseError("SESSION_NOT_FOUND");
      return {};
    });
    return create(RevokeSessionResponseSchema);
  };
}
