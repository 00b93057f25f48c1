// DeleteWorkloadBinding: the workload, and what was issued for it, are strangers everywhere.
import { create } from "@bufbuild/protobuf";
import { DeleteWorkloadBindingRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createDeleteWorkloadBinding } from "../../../../src/auth/service-account/delete-workload-binding.ts";
import { type AccountsSetup, accountsWorld, bindingId, cart } from "./accounts-world.ts";

async function remove(setup: AccountsSetup = {}, workloadBindingId = `wlb_${bindingId}`) {
  const world = accountsWorld(setup);
  const request = create(DeleteWorkloadBindingRequestSchema, { principalId: cart, workloadBindingId });
  const outcome = await createDeleteWorkloadBinding()(request, world.call).catch((error: unknown) => error);
  return { ...world, outcome };
}

describe("DeleteWorkloadBinding", () => {
  it("NET-03 tells every replica that the binding and what was issued for it are dead", async () => {
    const { database, call } = await remove();
    expect(database.announced).toMatchObject([
      { kind: "workload", key: bindingId },
      { kind: "credential", key: bindingId },
    ]);
    expect(call.audit.details).toMatchObject({ kind: "dns", subject: "cart.internal" });
  });

  it("is refused for another account's binding, and for an id that is none", async () => {
    const { outcome, database } = await remove({ binding: null });
    expect(outcome).toMatchObject({ reason: "WORKLOAD_BINDING_NOT_FOUND" });
    expect(database.announced).toEqual([]);
    expect((await remove({}, "wlb_x")).outcome).toMatchObject({ reason: "REQUEST_INVALID" });
  });
});
