// DeleteServiceAccount: everything that works goes, in an order that the database takes, and replicas hear of it.
import { create } from "@bufbuild/protobuf";
import { DeleteServiceAccountRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createDeleteServiceAccount } from "../../../../src/auth/service-account/delete-service-account.ts";
import { type AccountsSetup, accountsWorld, cart } from "./accounts-world.ts";

async function remove(setup: AccountsSetup = {}) {
  const world = accountsWorld(setup);
  const request = create(DeleteServiceAccountRequestSchema, { principalId: cart });
  const outcome = await createDeleteServiceAccount()(request, world.call).catch((error: unknown) => error);
  return { ...world, outcome };
}

describe("DeleteServiceAccount", () => {
  it("takes keys, bindings and grants along, and stops the principal", async () => {
    const { database, call } = await remove();
    expect(database.asked.slice(2)).toEqual([
      "auth.drop_api_keys_of_account",
      "auth.drop_workloads_of_account",
      "auth.stop_principal",
      "auth.drop_grants_of_principal",
      "auth.delete_service_account",
    ]);
    expect(database.announced.map(({ kind }) => kind)).toEqual(["principal", "subject", "workload"]);
    expect(call.audit).toMatchObject({
      resources: [{ type: "principal", uid: cart }],
      details: { display_name: "cart" },
    });
  });

  it("is refused for what is no service account", async () => {
    const { outcome, database } = await remove({ account: null });
    expect(outcome).toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    expect(database.asked).not.toContain("auth.stop_principal");
  });
});
