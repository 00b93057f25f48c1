// WhoAmI: the caller, from its token and its standing.
import { create, fromBinary } from "@bufbuild/protobuf";
import { timestampDate } from "@bufbuild/protobuf/wkt";
import {
  PrincipalKind,
  WhoAmIRequestSchema,
  type WhoAmIResponse,
  WhoAmIResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { describe, expect, it } from "vitest";
import { createWhoAmI } from "../../../../src/auth/auth/who-am-i.ts";
import { EncodedAnswer } from "../../../../src/kernel/handler.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, principalOf } from "../../../fakes/principal.ts";

const whoAmI = createWhoAmI();

async function ask(principal = principalOf()): Promise<WhoAmIResponse> {
  const answer = await whoAmI(create(WhoAmIRequestSchema), fakeCall({ principal }));
  return answer instanceof EncodedAnswer ? fromBinary(WhoAmIResponseSchema, answer.bytes) : answer;
}

describe("WhoAmI", () => {
  it("T-01 tells what the token and the standing say", async () => {
    const principal = principalOf({ scopes: ["secrets.read"] });
    const answer = await ask({ ...principal, standing: { ...principal.standing, roles: ["viewer"] } });
    expect(answer).toMatchObject({
      principalId: `prn_${alice}`,
      kind: PrincipalKind.PERSON,
      sessionId: `ses_${principal.sessionId}`,
      clientId: "cli",
      roles: ["viewer"],
      scopes: ["secrets.read"],
      authenticationMethods: ["pwd"],
    });
    expect(answer.tokenExpireTime && timestampDate(answer.tokenExpireTime)).toEqual(principal.tokenExpiresAt);
    expect(answer.authenticationTime && timestampDate(answer.authenticationTime)).toEqual(principal.authenticatedAt);
  });

  it("CLM-10 tells of a new standing as soon as there is one", async () => {
    const before = principalOf();
    const after = { ...before, standing: { ...before.standing, roles: ["auditor"] } };
    expect((await ask(before)).roles).not.toContain("auditor");
    expect((await ask(before)).roles).not.toContain("auditor");
    expect((await ask(after)).roles).toEqual(["auditor"]);
  });

  it("leaves the session out where there is none", async () => {
    const answer = await ask({ ...principalOf({ kind: "service_account" }), sessionId: undefined });
    expect(answer).toMatchObject({ kind: PrincipalKind.SERVICE_ACCOUNT, sessionId: "" });
  });
});
