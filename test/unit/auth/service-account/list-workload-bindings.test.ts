// ListWorkloadBindings: what is bound to one account, in the form that it was asked for.
import { create } from "@bufbuild/protobuf";
import {
  ListWorkloadBindingsRequestSchema,
  type ListWorkloadBindingsResponse,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createListWorkloadBindings } from "../../../../src/auth/service-account/list-workload-bindings.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { fakePageTokens } from "../../../fakes/page-tokens.ts";
import { principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { bindingRow, cart } from "./accounts-world.ts";

const issuer = "https://cluster.test";
const rows = [
  bindingRow,
  { ...bindingRow, kind: "spiffe", subject: "spiffe://prod/cart" },
  { ...bindingRow, kind: "kubernetes", issuer, subject: "system:serviceaccount:shop:cart", last_used_at: new Date(0) },
];

describe("ListWorkloadBindings", () => {
  it("shows each kind of workload", async () => {
    const reader = scriptedDatabase({ "auth.workloads_of_account": () => rows });
    const list = createListWorkloadBindings({ reader, pageTokens: fakePageTokens });
    const request = create(ListWorkloadBindingsRequestSchema, { principalId: cart });
    const call = fakeCall({ principal: principalOf() });
    const { workloadBindings } = (await list(request, call)) as ListWorkloadBindingsResponse;
    expect(workloadBindings.map(({ workload }) => workload)).toMatchObject([
      { case: "dnsName", value: "cart.internal" },
      { case: "spiffeId", value: "spiffe://prod/cart" },
      { case: "kubernetes", value: { issuer, namespace: "shop", serviceAccount: "cart" } },
    ]);
    expect(workloadBindings.map(({ lastUseTime }) => lastUseTime !== undefined)).toEqual([false, false, true]);
  });
});
