// The table of methods: a method whose policy is missing or makes no sense stops the start, and the text says which and why.
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
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
import { StartRefused } from "../../../src/kernel/start-refused.ts";
import { createPolicyTable, largestRequestBytes } from "../../../src/rpc/policy.ts";
import { type ContractSketch, contractOf } from "../../fakes/contract.ts";
import { scriptedServices } from "../../fakes/scripted-services.ts";

const sound = {
  access: Access.PERMISSION,
  permission: "tests.act",
  resourceType: "tests",
  resourceField: "path",
  limitClass: LimitClass.READ,
  auditEvent: "test.acted",
  auditMode: AuditMode.ATOMIC,
  auditCategory: AuditCategory.DATA_ACCESS,
} as const;

const path = { name: "path", data: FieldData.PUBLIC };
const act = async () => ({});

function refusalOf(sketch: ContractSketch, handlers: Record<string, unknown> = { act }): string {
  try {
    createPolicyTable([{ service: contractOf({ request: [path], ...sketch }), handlers }]);
  } catch (error) {
    if (error instanceof StartRefused) return error.message;
    throw error;
  }
  return "";
}

const withPolicy = (change: Partial<NonNullable<ContractSketch["policy"]>>) =>
  refusalOf({ policy: { ...sound, ...change } as NonNullable<ContractSketch["policy"]> });

describe("a policy", () => {
  it("AZ-01 that is sound is served", () => {
    expect(withPolicy({})).toBe("");
  });

  it("AZ-01 that is missing stops the start", () => {
    expect(refusalOf({})).toContain("gatehouse.test.v1.TestService/Act has no policy");
  });

  it.each([
    ["no access", { access: Access.UNSPECIFIED, permission: "" }, "says no access"],
    ["no limit class", { limitClass: LimitClass.UNSPECIFIED }, "names no limit class"],
    ["no audit mode", { auditMode: AuditMode.UNSPECIFIED }, "names no audit mode"],
    ["no audit category", { auditCategory: AuditCategory.UNSPECIFIED }, "names no audit category"],
    ["no permission where one is needed", { permission: "" }, "must name a permission exactly when"],
    ["a permission that nobody asks for", { access: Access.PUBLIC }, "must name a permission exactly when"],
    ["a permission for any live principal", { access: Access.AUTHENTICATED }, "must name a permission exactly when"],
    ["an unknown field", { resourceField: "nowhere" }, "names the resource field nowhere, which is no text field"],
    ["items of a field that is no list", { itemsField: "path" }, "counts the items of path, which is no list"],
    ["no resource at all", { resourceType: "", resourceField: "" }, "names no resource"],
    ["no field to compare with the caller", { access: Access.SELF, resourceField: "" }, "must name the resource field"],
    ["no parent to list", { access: Access.LISTING, resourceField: "" }, "must name the resource field"],
    ["more bytes than the door takes", { maxRequestBytes: largestRequestBytes + 1 }, "allows requests beyond"],
    ["less than nothing", { maxRequestBytes: -1 }, "allows requests beyond"],
  ] as const)("AZ-01 with %s stops the start", (_what, change, problem) => {
    expect(withPolicy(change)).toContain(`gatehouse.test.v1.TestService/Act ${problem}`);
  });

  it("AZ-01 whose resource field is no text stops the start", () => {
    const number = { name: "path", type: Type.INT32 };
    expect(refusalOf({ policy: sound, request: [number] })).toContain("which is no text field");
    const texts = { name: "path", repeated: true, data: FieldData.PUBLIC };
    expect(refusalOf({ policy: sound, request: [texts] })).toContain("which is no text field");
  });

  it("AZ-01 of a stream that claims to be atomic stops the start, since it has no transaction", () => {
    expect(refusalOf({ policy: sound, stream: true })).toContain("is a stream whose audit is ATOMIC");
    expect(refusalOf({ policy: { ...sound, auditMode: AuditMode.BLOCKING }, stream: true })).toBe("");
  });

  it("AZ-01 P-15 that leaves open how a change of access is narrowed, or what goes first, stops the start", () => {
    const change = { ...sound, auditCategory: AuditCategory.ADMIN };
    expect(refusalOf({ policy: change })).toMatch(/recent authentication; .*from which network/);
    expect(refusalOf({ policy: { ...change, stepUp: StepUp.NONE } })).toMatch(/from which network/);
    expect(refusalOf({ policy: { ...change, stepUp: StepUp.NONE, network: Network.ANY } })).toBe("");
    expect(refusalOf({ policy: { ...sound, priority: Priority.UNSPECIFIED } })).toContain("names no priority");
    expect(refusalOf({ policy: { ...sound, stepUp: 9 as StepUp } })).toContain("does not exist");
    const open = { ...sound, access: Access.PUBLIC, permission: "", stepUp: StepUp.RECENT };
    expect(refusalOf({ policy: open })).toContain("without a credential for a recent authentication");
  });
});

describe("handlers", () => {
  it("AZ-01 that are missing stop the start", () => {
    expect(refusalOf({ policy: sound }, {})).toContain("TestService/Act has no handler");
    expect(refusalOf({ policy: sound }, { act: "no function" })).toContain("TestService/Act has no handler");
  });

  it.each(["actt", "Act", "toString", "constructor"])("AZ-01 for no method, such as %s, stop the start", (name) => {
    expect(refusalOf({ policy: sound }, { act, [name]: act })).toContain(`has a handler ${name} for no method`);
  });

  it("AZ-01 bound twice stop the start", () => {
    const binding = { service: contractOf({ policy: sound, request: [path] }), handlers: { act } };
    expect(() => createPolicyTable([binding, binding])).toThrow("gatehouse.test.v1.TestService/Act is bound twice");
  });
});

describe("fields that hold secrets", () => {
  const marked = { data: FieldData.SECRET, redact: true };
  const found = (fields: ContractSketch["request"]) => refusalOf({ policy: sound, request: [path, ...(fields ?? [])] });

  it.each(["password", "new_password", "client_secret", "refresh_token", "private_key", "otp", "credential_id"])(
    "AZ-03 by their name, such as %s, must be marked",
    (name) => {
      expect(found([{ name }])).toContain(`ActRequest.${name} sounds like a secret and is not marked as one`);
      expect(found([{ name, data: FieldData.PUBLIC }])).toContain("sounds like a secret");
      expect(found([{ name, ...marked }])).toBe("");
    },
  );

  it.each(["passwordless", "secretary", "tokens_left", "footpath", "token_id"])(
    "are not imagined where a name only holds the letters, as in %s",
    (name) => {
      expect(found([{ name, data: FieldData.PUBLIC }])).toBe("");
    },
  );

  it("AZ-03 are marked in both ways or in none", () => {
    expect(found([{ name: "pin", data: FieldData.SECRET }])).toContain("must be marked both SECRET and debug_redact");
    expect(found([{ name: "pin", redact: true }])).toContain("must be marked both SECRET and debug_redact");
  });

  it("AZ-03 are found in bytes, in lists, in answers and in messages within messages", () => {
    expect(found([{ name: "secret", type: Type.BYTES }])).toContain("sounds like a secret");
    expect(found([{ name: "password", repeated: true }])).toContain("sounds like a secret");
    expect(refusalOf({ policy: sound, response: [{ name: "token" }] })).toContain("ActResponse.token sounds like");
    const inner = { name: "inner", type: Type.MESSAGE, typeName: ".gatehouse.test.v1.Inner" };
    expect(refusalOf({ policy: sound, request: [path, inner], inner: [{ name: "token" }] })).toContain("Inner.token");
    const many = { ...inner, repeated: true };
    expect(refusalOf({ policy: sound, request: [path, many], inner: [{ name: "token" }] })).toContain("Inner.token");
  });

  it("ends in contracts that refer to themselves", () => {
    const inner = { name: "inner", type: Type.MESSAGE, typeName: ".gatehouse.test.v1.Inner" };
    expect(refusalOf({ policy: sound, request: [path, inner], inner: [inner] })).toBe("");
  });
});

describe("the refusal", () => {
  it("AZ-01 names every problem at once", () => {
    const message = refusalOf(
      { policy: { access: Access.PERMISSION }, request: [{ name: "password" }] },
      { other: act },
    );
    for (const part of [
      "names no limit class",
      "names no audit mode",
      "has no handler",
      "has a handler other",
      "password",
    ])
      expect(message).toContain(part);
  });
});

describe("the contracts of Gatehouse", () => {
  it("AZ-01 are all fit to serve", () => {
    const table = createPolicyTable(scriptedServices());
    expect(table.size).toBeGreaterThan(20);
    for (const [path, entry] of table) expect(path).toBe(`/${entry.name}`);
  });

  it("AZ-01 do not serve without their handlers", () => {
    const bindings = scriptedServices().map(({ service }) => ({ service, handlers: {} }));
    expect(() => createPolicyTable(bindings)).toThrow("AuthService/Login has no handler");
  });
});
