// Text that does not say what it holds stops the start: printing would have to guess.
import { FieldDescriptorProto_Type as Type } from "@bufbuild/protobuf/wkt";
import { FieldData } from "@gatehouse/proto/gatehouse/options/v1/policy_pb.js";
import { describe, expect, it } from "vitest";
import { sensitiveFieldProblems } from "../../../src/rpc/sensitive-fields.ts";
import { contractOf, type FieldSketch } from "../../fakes/contract.ts";

const unsaid = "does not say of which kind";
const problemsOf = (...request: FieldSketch[]) => sensitiveFieldProblems(contractOf({ request })).join("\n");

describe("a field", () => {
  it.each<[string, FieldSketch]>([
    ["text", { name: "note" }],
    ["bytes", { name: "note", type: Type.BYTES }],
    ["a list of text", { name: "note", repeated: true }],
  ])("AUD-14 DAT-05 of %s says what it holds", (_what, field) => {
    expect(problemsOf(field)).toContain(`ActRequest.note holds text and ${unsaid}`);
    expect(problemsOf({ ...field, data: FieldData.UNSPECIFIED })).toContain(unsaid);
    expect(problemsOf({ ...field, data: FieldData.PUBLIC })).toBe("");
    expect(problemsOf({ ...field, data: FieldData.PERSONAL })).toBe("");
  });

  it("of numbers or of messages of ours need not, but what stands in those must", () => {
    const inner = { name: "inner", type: Type.MESSAGE, typeName: ".gatehouse.test.v1.Inner" };
    expect(problemsOf({ name: "count", type: Type.INT32 }, { name: "done", type: Type.BOOL }, inner)).toBe("");
    const contract = contractOf({ request: [inner], inner: [{ name: "note" }] });
    expect(sensitiveFieldProblems(contract)).toEqual([`gatehouse.test.v1.Inner.note holds text and ${unsaid}`]);
  });
});
