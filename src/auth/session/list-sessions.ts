// SessionService.ListSessions: the devices that a person is logged in on.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  ListSessionsResponseSchema,
  type Session,
  SessionSchema,
  SessionService,
} from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId } from "../../kernel/ids.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
import type { LiveSession, Sessions } from "../../kernel/sessions.ts";
import { namedPrincipal } from "../named-principal.ts";

const method = `${SessionService.typeName}/${SessionService.method.listSessions.name}`;

function shown(session: LiveSession, currentId: string | undefined): Session {
  return create(SessionSchema, {
    sessionId: formatId("session", session.id),
    deviceName: session.deviceName,
    address: session.address,
    createTime: timestampFromDate(session.createdAt),
    lastRefreshTime: timestampFromDate(session.refreshedAt),
    idleExpireTime: timestampFromDate(session.idleExpiresAt),
    absoluteExpireTime: timestampFromDate(session.absoluteExpiresAt),
    current: session.id === currentId,
  });
}

export function createListSessions(deps: {
  readonly sessions: Sessions;
  readonly pageTokens: PageTokens;
}): UnaryHandler<typeof SessionService.method.listSessions> {
  return async ({ principalId, pageSize, pageToken }, call) => {
    const owner = namedPrincipal(principalId, call);
    const page = await readPage(deps.pageTokens, { method, filter: owner, pageSize, pageToken }, call, {
      read: (after, limit) => deps.sessions.list(owner, after, limit, call.now),
      positionOf: ({ id }) => id,
    });
    const { sessionId } = callerOf(call);
    return create(ListSessionsResponseSchema, {
      sessions: page.items.map((session) => shown(session, sessionId)),
      nextPageToken: page.nextPageToken,
    });
  };
}
