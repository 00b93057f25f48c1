// A grant as the contract shows it.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Effect, type Grant, GrantSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { formatId } from "../../kernel/ids.ts";
import type { GrantRow } from "./store.ts";

export function grantView(row: GrantRow): Grant {
  return create(GrantSchema, {
    grantId: formatId("grant", row.id),
    principalId: formatId("principal", row.principal_id),
    role: row.role,
    resource: row.resource,
    effect: row.effect === "deny" ? Effect.DENY : Effect.ALLOW,
    ...(row.expires_at === null ? {} : { expireTime: timestampFromDate(row.expires_at) }),
    createTime: timestampFromDate(row.created_at),
    creatorId: row.created_by === null ? "" : formatId("principal", row.created_by),
  });
}
