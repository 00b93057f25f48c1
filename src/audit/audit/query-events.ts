// QueryEvents: pages of events, newest first. The query is itself an event, recorded before its answer leaves.
import { create, toBinary } from "@bufbuild/protobuf";
import {
  type AuditService,
  type EventFilter,
  EventFilterSchema,
  QueryEventsResponseSchema,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { readPage } from "../../kernel/pages.ts";
import type { PageTokens } from "../../kernel/sealing.ts";
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

function canonical(filter: EventFilter): string {
  return Buffer.from(toBinary(EventFilterSchema, filter)).toString("base64url");
}

export function createQueryEvents(deps: QueryEventsDeps): UnaryHandler<typeof AuditService.method.queryEvents> {
  const { reader, keys, pageTokens } = deps;
  return async (request, call) => {
    const filter = request.filter ?? create(EventFilterSchema);
    call.audit.details.filter = filterDetails(filter);
    const { pageSize, pageToken } = request;
    const page = await readPage(pageTokens, { method, filter: canonical(filter), pageSize, pageToken }, call, {
      read: (after, limit) => {
        const position: Condition[] = after === undefined ? [] : [{ column: "before", value: after }];
        return selectEvents(reader, [...conditionsOf(filter, keys.blindIndex), ...position], limit);
      },
      positionOf: ({ id }) => id,
    });
    const opened = await Promise.all(page.items.map((row) => openEvent(keys, row)));
    call.audit.details.events = page.items.length;
    return create(QueryEventsResponseSchema, {
      events: opened.map(({ event }) => event),
      nextPageToken: page.nextPageToken,
    });
  };
}
