// Every method that asks for a step-up, in an installation that asks people for a second factor there, and a method that asks for one
// by itself: through the real chain, by who calls and how they authenticated.
import type { DescMethod } from "@bufbuild/protobuf";
import {
  Access,
  AuditCategory,
  AuditMode,
  FieldData,
  LimitClass,
  Network,
  Priority,
  StepUp,
} from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { describe, expect, it } from "vitest";
import { everywhere } from "../../src/kernel/networks.ts";
import type { Principal } from "../../src/kernel/principal.ts";
import { bearing, callThrough, createFakeChain, incomingOf, noon } from "../fakes/chain.ts";
import { contractOf } from "../fakes/contract.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { ownServices } from "../fakes/scripted-services.ts";
import { readStatus } from "../fakes/status.ts";
import { validRequests } from "./requests.ts";

const stepUpAgeMs = 3_600_000;
const access = { stepUpAgeMs, secondFactor: true, adminNetworks: () => everywhere };
const lately = new Date(noon.getTime() - 60_000);
const longAgo = new Date(noon.getTime() - stepUpAgeMs - 1);
const all = { grants: [allow("*", "")] };

const by = (more: Partial<Principal>, kind: Principal["kind"] = "person"): Principal => ({
  ...principalOf({ ...all, kind }),
  authenticatedAt: lately,
  authenticationContext: "aal1",
  ...more,
});
const two = { authenticationMethods: ["pwd", "otp"], authenticationContext: "aal2" };

const tokens = {
  password: by({}),
  both: by(two),
  old: by({ ...two, authenticatedAt: longAgo }),
  unsaid: by({ authenticationMethods: ["pwd", "otp"], authenticationContext: undefined }),
  claimed: by({ authenticationContext: "aal2" }),
  lent: by({ delegated: true }),
  machine: by(
    { authenticationMethods: ["api_key"], authenticationContext: "aal1", sessionId: undefined },
    "service_account",
  ),
  powerless: { ...principalOf({ grants: [] }), authenticatedAt: lately },
};

type Who = keyof typeof tokens;

const guarded = createFakeChain({ tokens, access });
const asked = [...guarded.table.values()].filter(({ demand }) => demand.stepUp);

async function judge(chain: typeof guarded, method: DescMethod, who: Who, request: object = {}) {
  const reply = await callThrough(chain, method, request as never, incomingOf({ metadata: bearing(who) }));
  if ("answer" in reply) return "OK";
  const { info } = readStatus(reply.failure.status);
  const { acr_values, max_age_seconds, permission } = info?.metadata ?? {};
  return { reason: info?.reason, code: reply.failure.code, acr_values, max_age_seconds, permission };
}

const lacking = {
  reason: "STEP_UP_REQUIRED",
  code: 16,
  acr_values: "aal2",
  max_age_seconds: "3600",
  permission: undefined,
};

describe("a change of who may do what, where people need a second factor", () => {
  const requestOf = (method: DescMethod) => validRequests[`${method.parent.name}/${method.name}`] ?? {};

  it("CLM-11 is what every method is that asks for a step-up", () => {
    expect(asked.length).toBeGreaterThan(15);
    expect(asked.map(({ access: who }) => who)).not.toContain(Access.PUBLIC);
  });

  it.each(asked.map(({ name, method }) => [name, method] as const))("CLM-11 %s", async (_name, method) => {
    for (const who of ["password", "old", "unsaid", "claimed", "lent"] as const)
      expect({ who, verdict: await judge(guarded, method, who, requestOf(method)) }).toEqual({ who, verdict: lacking });
    for (const who of ["both", "machine"] as const)
      expect({ who, verdict: await judge(guarded, method, who, requestOf(method)) }).toEqual({ who, verdict: "OK" });
  });

  it("CLM-11 P-02 tells who lacks the grant of no factor", async () => {
    for (const { method, demand } of asked.filter(({ demand: { grant } }) => grant === "whole")) {
      const verdict = await judge(guarded, method, "powerless", requestOf(method));
      expect(verdict).toMatchObject({
        reason: "PERMISSION_DENIED",
        acr_values: undefined,
        permission: demand.permission,
      });
    }
  });

  it("CLM-11 asks nothing of the kind of any other method", async () => {
    const others = ownServices
      .flatMap((service) => service.methods)
      .filter((method) => asked.every((entry) => entry.method !== method));
    for (const method of others) {
      const verdict = await judge(guarded, method, "password", requestOf(method));
      expect({ method: method.name, verdict }).toEqual({ method: method.name, verdict: "OK" });
    }
  });

  it("CLM-11 names no age where none is asked for, and no factor where it is off", async () => {
    const [first] = asked;
    if (first === undefined) throw new TypeError("no method asks for a step-up");
    const ageless = createFakeChain({ tokens, access: { ...access, stepUpAgeMs: undefined } });
    const verdict = await judge(ageless, first.method, "password", requestOf(first.method));
    expect(verdict).toEqual({ ...lacking, max_age_seconds: undefined });
    expect(await judge(ageless, first.method, "old", requestOf(first.method))).toBe("OK");
    const plain = createFakeChain({ tokens, access: { ...access, secondFactor: false } });
    expect(await judge(plain, first.method, "password", requestOf(first.method))).toBe("OK");
    const old = await judge(plain, first.method, "old", requestOf(first.method));
    expect(old).toEqual({ ...lacking, acr_values: undefined });
  });
});

describe("a method that asks for a second factor by itself", () => {
  const service = contractOf({
    request: [{ name: "path", data: FieldData.PUBLIC }],
    policy: {
      access: Access.PERMISSION,
      permission: "tests.act",
      resourceType: "tests",
      resourceField: "path",
      limitClass: LimitClass.READ,
      auditEvent: "test.acted",
      auditMode: AuditMode.BLOCKING,
      auditCategory: AuditCategory.ADMIN,
      stepUp: StepUp.SECOND_FACTOR,
      network: Network.ANY,
      priority: Priority.NORMAL,
    },
  });
  const more = [{ service, handlers: { act: async () => ({}) } }];

  it("CLM-11 has it whatever the setting says, and from machines, which have none, as well", async () => {
    const chain = createFakeChain({ tokens, more, access: { ...access, secondFactor: false } });
    const [method] = service.methods;
    if (method === undefined) throw new TypeError("no method");
    const request = { path: "x" };
    for (const who of ["password", "old", "unsaid", "claimed", "machine"] as const)
      expect({ who, verdict: await judge(chain, method, who, request) }).toEqual({ who, verdict: lacking });
  });
});
