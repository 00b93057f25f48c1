// CreateInvitation: shown once, stored as a keyed hash.
import { create } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  CreateInvitationRequestSchema,
  type CreateInvitationResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/directory_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateInvitation } from "../../../../src/auth/directory/create-invitation.ts";
import { isOneTimeToken } from "../../../../src/auth/domain/one-time-token.ts";
import { callTime, fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";

async function invite(lifetimeSeconds?: number) {
  const inserted: unknown[] = [];
  const database = scriptedDatabase({
    "auth.insert_invitation": (parameters) => {
      inserted.push(...parameters);
      return [];
    },
  });
  const call = fakeCall({ principal: principalOf(), unitOfWork: database.unitOfWork });
  const lifetime = lifetimeSeconds === undefined ? {} : { lifetime: { seconds: BigInt(lifetimeSeconds), nanos: 0 } };
  const request = create(CreateInvitationRequestSchema, lifetime);
  const answer = (await createCreateInvitation({ macs: fakeMacs })(request, call)) as CreateInvitationResponse;
  return { answer, inserted, audit: call.audit };
}

describe("CreateInvitation", () => {
  it("PWD-21 stores a keyed hash, and shows and records no more than it must", async () => {
    const { answer, inserted, audit } = await invite();
    expect(isOneTimeToken("invitation", answer.invitation)).toBe(true);
    expect(inserted).toContainEqual(fakeMacs.mac("token-hash", ["invitation", answer.invitation]).value);
    expect(inserted).toContain(alice);
    expect(JSON.stringify([inserted, audit])).not.toContain(answer.invitation);
  });

  it.each([
    [undefined, 72 * 3_600],
    [60, 60],
    [2_592_000, 2_592_000],
  ])("lives %s seconds when asked for %s", async (asked, seconds) => {
    const { answer } = await invite(asked);
    expect(answer.expireTime && timestampDate(answer.expireTime).getTime()).toBe(callTime.getTime() + seconds * 1_000);
  });
});
