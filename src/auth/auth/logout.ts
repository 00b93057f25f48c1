// AuthService.Logout: ends the session of the presented token.
import { create } from "@bufbuild/protobuf";
import { type AuthService, LogoutResponseSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { GatehouseError } from "../../kernel/errors.ts";
import { callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import type { Sessions } from "../../kernel/sessions.ts";

export function createLogout({
  sessions,
}: {
  readonly sessions: Sessions;
}): UnaryHandler<typeof AuthService.method.logout> {
  return async (_request, call) => {
    const { id, sessionId } = callerOf(call);
    if (sessionId === undefined) throw new GatehouseError("SESSION_NOT_FOUND");
    call.audit.resources.push({ type: "session", uid: formatId("session", sessionId) });
    await call.commit(async (tx) => {
      // False when another logout came first: the session is over either way, which is what was asked.
      await sessions.end(tx, id, sessionId, "logout", call.now);
      return {};
    });
    return create(LogoutResponseSchema);
  };
}
