// ExplainAccess: which question is asked of the rule. What the rule answers about real grants is tested on the real database.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { AccessDecision, ExplainAccessRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createExplainAccess } from "../../../../src/auth/grant/explain-access.ts";
import { everywhere, parseNetworks } from "../../../../src/kernel/networks.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { fakeContracts } from "../../../fakes/contracts.ts";
import { alice, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

const held = {
  ...{ id: bob, principal_id: alice, role: "r", permissions: ["things.read", "things.own"], resource: "things/a" },
  ...{ effect: "allow", expires_at: null, created_at: new Date(0), created_by: null },
};
const person = { ...held, kind: "person", state: "active", generation: 1 };

async function explain(request: MessageInitShape<typeof ExplainAccessRequestSchema>, found = true) {
  const reader = scriptedDatabase({
    "auth.standing": () => (found ? [person] : []),
    "auth.explained_grants": () => [held],
  });
  const access = {
    stepUpAgeMs: 60_000,
    secondFactor: false,
    adminNetworks: () => parseNetworks("10.0.0.0/8") ?? everywhere,
  };
  const call = fakeCall({ principal: principalOf({ scopes: ["*"] }) });
  const handler = createExplainAccess({ reader, contracts: fakeContracts, access });
  return Promise.resolve(handler(create(ExplainAccessRequestSchema, request), call)).catch((error: unknown) => error);
}

describe("ExplainAccess", () => {
  it("P-02 takes a permission on a resource as it is", async () => {
    expect(await explain({ permission: "things.read", resource: "things/a/b" })).toMatchObject({
      decision: AccessDecision.ALLOWED,
      decidingGrant: { grantId: `grt_${bob}` },
      networkNarrows: false,
    });
  });

  it("P-02 takes a method with all that it asks, also where its handler asks for the grant", async () => {
    expect(await explain({ method: "t.v1.Things/Own", resource: "things/a" })).toMatchObject({
      decision: AccessDecision.NETWORK_NOT_ALLOWED,
      permission: "things.own",
      networkNarrows: true,
      stepUpAge: { seconds: 60n },
    });
    expect(await explain({ method: "t.v1.Things/Own", resource: "things/b" })).toMatchObject({
      decision: AccessDecision.NOT_GRANTED,
    });
  });

  it("AZ-02 asks no grant of a principal about itself, and one about others", async () => {
    const list = { method: "t.v1.Things/List" };
    for (const resource of ["", `principals/prn_${alice}`]) {
      const answer = await explain({ ...list, resource });
      expect(answer).toMatchObject({ decision: AccessDecision.ALLOWED, resource: `principals/prn_${alice}` });
      expect(answer).toMatchObject({ scopeNarrows: true });
      expect(answer).not.toHaveProperty("decidingGrant");
      expect(answer).not.toHaveProperty("stepUpAge");
    }
    for (const resource of ["principals", `principals/prn_${bob}`]) {
      expect(await explain({ ...list, resource })).toMatchObject({ decision: AccessDecision.NOT_GRANTED });
    }
  });

  it("is refused for half a question, two questions, and nobody", async () => {
    for (const request of [{}, { permission: "*" }, { permission: "things.read", method: "t.v1.Things/Read" }]) {
      expect(await explain(request)).toMatchObject({ reason: "REQUEST_INVALID" });
    }
    expect(await explain({ method: "t.v1.Things/Read", resource: "thing" })).toMatchObject({
      reason: "REQUEST_INVALID",
    });
    expect(await explain({ method: "t.v1.Things/None" })).toMatchObject({ reason: "METHOD_UNKNOWN" });
    expect(await explain({ permission: "things.read" }, false)).toMatchObject({ reason: "PRINCIPAL_NOT_FOUND" });
  });
});
