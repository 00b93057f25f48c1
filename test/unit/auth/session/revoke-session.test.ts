// RevokeSession: the owner is part of the question.
import { create } from "@bufbuild/protobuf";
import { RevokeSessionRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/session_service_pb.js";
import { describe, expect, it } from "vitest";
import { createRevokeSession } from "../../../../src/auth/session/revoke-session.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { liveSession } from "../../../fakes/live-session.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { fakeSessions } from "../../../fakes/sessions.ts";
import { createFakeUnitOfWork } from "../../../fakes/unit-of-work.ts";

const laptop = "0198f000-0000-7000-8000-000000000001";
const phone = "0198f000-0000-7000-8000-000000000002";

async function revoke(sessionId: string, principalId = "") {
  const sessions = fakeSessions([liveSession(alice, laptop), liveSession(bob, phone)]);
  const unitOfWork = createFakeUnitOfWork();
  const call = fakeCall({ principal: principalOf(), unitOfWork });
  const request = create(RevokeSessionRequestSchema, { sessionId, principalId });
  const outcome = await createRevokeSession({ sessions })(request, call).catch((error: unknown) => error);
  return { outcome, sessions, audit: call.audit, unitOfWork };
}

describe("RevokeSession", () => {
  it("F-10 ends one of the caller's own", async () => {
    const { sessions, audit } = await revoke(`ses_${laptop}`);
    expect(sessions.ended).toEqual([{ principalId: alice, sessionId: laptop, reason: "revoked" }]);
    expect(audit.resources).toEqual([
      { type: "session", uid: `ses_${laptop}` },
      { type: "principal", uid: `prn_${alice}` },
    ]);
  });

  it("AZ-02 another person's is as absent as one that never was", async () => {
    const other = await revoke(`ses_${phone}`);
    const none = await revoke("ses_0198f000-0000-7000-8000-000000000009");
    expect(other.outcome).toMatchObject({ reason: "SESSION_NOT_FOUND", code: 5 });
    expect((none.outcome as Error).message).toBe((other.outcome as Error).message);
    expect(other.unitOfWork.committed).toEqual([]);
  });

  it("ends another person's when the policy let the caller through", async () => {
    const { sessions } = await revoke(`ses_${phone}`, `prn_${bob}`);
    expect(sessions.ended).toEqual([{ principalId: bob, sessionId: phone, reason: "revoked" }]);
  });

  it("P-03 refuses ids of another kind", async () => {
    expect((await revoke(`prn_${laptop}`)).outcome).toMatchObject({ reason: "REQUEST_INVALID" });
    expect((await revoke(`ses_${laptop}`, `ses_${alice}`)).outcome).toMatchObject({ reason: "REQUEST_INVALID" });
  });
});
