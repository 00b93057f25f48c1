// Logout: the session of the presented token and no other.
import { create } from "@bufbuild/protobuf";
import { LogoutRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { createLogout } from "../../../../src/auth/auth/logout.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { liveSession } from "../../../fakes/live-session.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { fakeSessions } from "../../../fakes/sessions.ts";
import { createFakeUnitOfWork } from "../../../fakes/unit-of-work.ts";

const principal = principalOf();
const own = principal.sessionId ?? "";
const request = create(LogoutRequestSchema);

describe("Logout", () => {
  it("F-02 F-10 ends the session of the token", async () => {
    const sessions = fakeSessions([liveSession(alice, own), liveSession(bob, own)]);
    const call = fakeCall({ principal });
    await createLogout({ sessions })(request, call);
    expect(sessions.ended).toEqual([{ principalId: alice, sessionId: own, reason: "logout" }]);
    expect(call.audit.resources).toEqual([{ type: "session", uid: `ses_${own}` }]);
  });

  it("agrees when another logout came first, and records it", async () => {
    const unitOfWork = createFakeUnitOfWork();
    await createLogout({ sessions: fakeSessions() })(request, fakeCall({ principal, unitOfWork }));
    expect(unitOfWork.committed).toHaveLength(1);
  });

  it("has nothing to end for a token without a session", async () => {
    const call = fakeCall({ principal: { ...principal, sessionId: undefined } });
    await expect(createLogout({ sessions: fakeSessions() })(request, call)).rejects.toMatchObject({
      reason: "SESSION_NOT_FOUND",
    });
  });
});
