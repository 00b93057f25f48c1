// QueryEvents: pages of events, newest first. The query is itself an event, recorded before its answer leaves.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AuditService,
  type EventFilter,
  EventFilterSchema,
  QueryEventsResponseSchema,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { pageSizeOf } from "../../kernel/pages.ts";
import type { PageScope, PageTokens } from "../../kernel/sealing.ts";
import type { AuditKeys } from "../ports.ts";
import { conditionsOf, filterDetails } from "./filter.ts";
import { openEvent } from "./opened-event.ts";
import { type Condition, selectEvents } from "./store.ts";

export interface QueryEventsDeps {
  readonly reader: Reader;
  readonly keys: AuditKeys;
  readonly pageTokens: PageTokens;
}

const method = "gatehouse.audit.v1.AuditService/QueryEvents";

function scopeOf(filter: EventFilter, principalId: string): PageScope {
  return { method, principalId, filter: Buffer.from(toBinary(EventFilterSchema, filter)).toString("base64url") };
}

export function createQueryEvents(deps: QueryEventsDeps): UnaryHandler<typeof AuditService.method.queryEvents> {
  const { reader, keys, pageTokens } = deps;
  return async (request, call) => {
    const filter = request.filter ?? create(EventFilterSchema);
    call.audit.details.filter = filterDetails(filter);
    const scope = scopeOf(filter, callerOf(call).id);
    const after = pageTokens.open(scope, request.pageToken, call.now);
    const size = pageSizeOf(request.pageSize);
    const position: Condition[] = after === undefined ? [] : [{ column: "before", value: after }];
    const rows = await selectEvents(reader, [...conditionsOf(filter, keys.blindIndex), ...position], size + 1);
    const page = rows.slice(0, size);
    const opened = await Promise.all(page.map((row) => openEvent(keys, row)));
    call.audit.details.events = page.length;
    const last = rows.length > size ? page.at(-1) : undefined;
    return create(QueryEventsResponseSchema, {
      events: opened.map(({ event }) => event),
      nextPageToken: last === undefined ? "" : pageTokens.seal(scope, last.id, call.now),
    });
  };
}
