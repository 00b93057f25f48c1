// GetEvent: one event with the exact bytes that its evidence rests on, and what it takes to check them.
import { create } from "@bufbuild/protobuf";
import { type AuditService, GetEventResponseSchema } from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { UnaryHandler } from "../../kernel/handler.ts";
import { parseId } from "../../kernel/ids.ts";
import { saltOf } from "../domain/commitment.ts";
import type { AuditKeys } from "../ports.ts";
import { openEvent } from "./opened-event.ts";
import { selectEvent } from "./store.ts";

export interface GetEventDeps {
  readonly reader: Reader;
  readonly keys: AuditKeys;
}

export function createGetEvent({ reader, keys }: GetEventDeps): UnaryHandler<typeof AuditService.method.getEvent> {
  return async ({ eventId }, call) => {
    call.audit.resources.push({ type: "event", uid: eventId });
    const id = parseId("event", eventId);
    const row = id === undefined ? undefined : await selectEvent(reader, id);
    if (row === undefined) throw new GatehouseError("EVENT_NOT_FOUND");
    const { event, personal, details } = await openEvent(keys, row);
    return create(GetEventResponseSchema, {
      event,
      entry: row.entry,
      personalSalt: personal ? saltOf(personal) : new Uint8Array(),
      detailsSalt: details ? saltOf(details) : new Uint8Array(),
    });
  };
}
