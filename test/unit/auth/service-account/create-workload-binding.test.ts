// CreateWorkloadBinding: which workloads there are, and that one is bound once and never to more than its maker holds.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { CreateWorkloadBindingRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateWorkloadBinding } from "../../../../src/auth/service-account/create-workload-binding.ts";
import { UniqueViolation } from "../../../../src/kernel/database.ts";
import type { WorkloadIssuers } from "../../../../src/kernel/ports.ts";
import { type AccountsSetup, accountsWorld, cart } from "./accounts-world.ts";

const issuer = "https://cluster.test";
const issuers: WorkloadIssuers = {
  knows: (name) => name === issuer,
  verify: () => Promise.reject(new Error("nobody asks")),
};
type Workload = NonNullable<MessageInitShape<typeof CreateWorkloadBindingRequestSchema>["workload"]>;
const cartByDns: Workload = { case: "dnsName", value: "cart.internal" };

async function bind(workload: Workload, setup: AccountsSetup = {}, known: WorkloadIssuers | undefined = issuers) {
  const world = accountsWorld(setup);
  const message = create(CreateWorkloadBindingRequestSchema, { principalId: cart, workload });
  const outcome: unknown = await createCreateWorkloadBinding({ issuers: known })(message, world.call).catch(
    (error: unknown) => error,
  );
  return { ...world, outcome };
}

const kubernetes = (name: string): Workload => ({
  case: "kubernetes",
  value: { issuer: name, namespace: "shop", serviceAccount: "cart" },
});

describe("CreateWorkloadBinding", () => {
  it.each<[Workload, readonly [string, string, string]]>([
    [{ case: "spiffeId", value: "spiffe://prod.example/cart" }, ["spiffe", "", "spiffe://prod.example/cart"]],
    [cartByDns, ["dns", "", "cart.internal"]],
    [kubernetes(issuer), ["kubernetes", issuer, "system:serviceaccount:shop:cart"]],
  ])("NET-03 stores %o, and tells every replica", async (workload, stored) => {
    const { outcome, written, database, call } = await bind(workload);
    expect(outcome).toMatchObject({ workloadBinding: { workload, scopes: ["*"] } });
    expect(written[0]?.[1].slice(2, 5)).toEqual(stored);
    expect(database.announced).toMatchObject([{ kind: "workload" }]);
    expect(call.audit.details).toMatchObject({ kind: stored[0], issuer: stored[1], subject: stored[2] });
  });

  it.each<[string, Workload]>([
    ["a SPIFFE id that climbs", { case: "spiffeId", value: "spiffe://prod/a/.." }],
    ["a cluster that nobody configured", kubernetes("https://elsewhere.test")],
    ["no workload", { case: undefined }],
  ])("NET-03 is refused for %s", async (_, workload) => {
    const { outcome, database } = await bind(workload);
    expect(outcome).toMatchObject({ reason: "REQUEST_INVALID" });
    expect(database.commits()).toBe(0);
  });

  it("is refused for every cluster when none is configured", async () => {
    const message = create(CreateWorkloadBindingRequestSchema, { principalId: cart, workload: kubernetes(issuer) });
    const refused = createCreateWorkloadBinding({ issuers: undefined })(message, accountsWorld().call);
    await expect(refused).rejects.toMatchObject({ violations: [{ field: "kubernetes.issuer" }] });
  });

  it("AZ-05 is refused to whoever lacks what the account holds", async () => {
    const setup = { accountHolds: ["secrets.read"], callerHolds: ["secrets.list"] };
    expect((await bind(cartByDns, setup)).outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
  });

  it("NET-03 is refused for a workload that is bound, and beyond fifty of one account", async () => {
    const onInsertBinding = () => {
      throw new UniqueViolation("workload_binding_once");
    };
    expect((await bind(cartByDns, { onInsertBinding })).outcome).toMatchObject({ reason: "WORKLOAD_BINDING_EXISTS" });
    expect((await bind(cartByDns, { bindings: 50 })).outcome).toMatchObject({
      reason: "WORKLOAD_BINDING_LIMIT_REACHED",
    });
    expect((await bind(cartByDns, { bindings: 49 })).outcome).toMatchObject({ workloadBinding: {} });
  });
});
