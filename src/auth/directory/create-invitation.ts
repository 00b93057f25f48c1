// DirectoryService.CreateInvitation: lets one person register once.
import { create } from "@bufbuild/protobuf";
import { durationMs, timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  CreateInvitationResponseSchema,
  type DirectoryService,
} from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { callerOf, type UnaryHandler } from "../../kernel/handler.ts";
import { formatId, uuidv7 } from "../../kernel/ids.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { makeOneTimeToken } from "../domain/one-time-token.ts";
import { insertInvitation } from "./store.ts";

const defaultLifetimeMs = 72 * 3_600_000;

export function createCreateInvitation({
  macs,
}: {
  readonly macs: Macs;
}): UnaryHandler<typeof DirectoryService.method.createInvitation> {
  return async (request, call) => {
    const id = uuidv7(call.now);
    const invitation = makeOneTimeToken("invitation");
    const lifetimeMs = request.lifetime === undefined ? defaultLifetimeMs : durationMs(request.lifetime);
    const expiresAt = new Date(call.now.getTime() + lifetimeMs);
    const hash = macs.mac("token-hash", ["invitation", invitation]);
    call.audit.resources.push({ type: "invitation", uid: formatId("invitation", id) });
    call.audit.details.expire_time = expiresAt.toISOString();
    return call.commit(async (tx) => {
      await insertInvitation(tx, { id, hash, createdBy: callerOf(call).id, now: call.now, expiresAt });
      return create(CreateInvitationResponseSchema, { invitation, expireTime: timestampFromDate(expiresAt) });
    });
  };
}
