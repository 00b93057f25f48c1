// GetServiceAccount: what an account is, and that people are none.
import { create } from "@bufbuild/protobuf";
import { GetServiceAccountRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createGetServiceAccount } from "../../../../src/auth/service-account/get-service-account.ts";
import { accountRow, accountsWorld, cart } from "./accounts-world.ts";

async function get(principalId: string, account?: object | null) {
  const { database, call } = accountsWorld(account === undefined ? {} : { account: account as never });
  return createGetServiceAccount({ reader: database })(create(GetServiceAccountRequestSchema, { principalId }), call);
}

describe("GetServiceAccount", () => {
  it("shows name and state", async () => {
    await expect(get(cart)).resolves.toMatchObject({ serviceAccount: { displayName: "cart", disabled: false } });
    const stopped = { ...accountRow, state: "disabled" };
    await expect(get(cart, stopped)).resolves.toMatchObject({ serviceAccount: { disabled: true } });
  });

  it("is refused for what is no service account", async () => {
    await expect(get(cart, null)).rejects.toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
    await expect(get("prn_x")).rejects.toMatchObject({ reason: "REQUEST_INVALID" });
  });
});
