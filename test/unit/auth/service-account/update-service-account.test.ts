// UpdateServiceAccount: the mask, what stopping announces, and what it takes to let an account go on.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { UpdateServiceAccountRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import { describe, expect, it } from "vitest";
import { createUpdateServiceAccount } from "../../../../src/auth/service-account/update-service-account.ts";
import { bob } from "../../../fakes/principal.ts";
import { type AccountsSetup, accountRow, accountsWorld, cart } from "./accounts-world.ts";

async function update(request: MessageInitShape<typeof UpdateServiceAccountRequestSchema>, setup: AccountsSetup = {}) {
  const world = accountsWorld(setup);
  const message = create(UpdateServiceAccountRequestSchema, { principalId: cart, ...request });
  const outcome = await createUpdateServiceAccount()(message, world.call).catch((error: unknown) => error);
  return { ...world, outcome };
}

const stopped = { ...accountRow, state: "disabled" };
const disabledOnly = { updateMask: { paths: ["disabled"] } };

describe("UpdateServiceAccount", () => {
  it("renames, and leaves the state alone", async () => {
    const { outcome, database, written } = await update({ displayName: "till" });
    expect(outcome).toMatchObject({ serviceAccount: { displayName: "till", disabled: false } });
    expect(written[0]?.[1].slice(0, 2)).toEqual([bob, "till"]);
    expect(database.announced).toEqual([]);
    expect(database.asked).not.toContain("auth.stop_principal");
  });

  it("stops at once, and tells every replica", async () => {
    const { outcome, database, call } = await update({ disabled: true });
    expect(outcome).toMatchObject({ serviceAccount: { displayName: "cart", disabled: true } });
    expect(database.asked).toContain("auth.stop_principal");
    expect(database.announced).toMatchObject([
      { kind: "principal", key: bob },
      { kind: "subject", key: `${bob}:2` },
    ]);
    expect(call.audit.details).toEqual({ disabled: true });
  });

  it("changes nothing of what is so already", async () => {
    const { database } = await update({ disabled: true }, { account: stopped });
    expect(database.asked).not.toContain("auth.stop_principal");
    expect(database.announced).toEqual([]);
  });

  it("AZ-05 lets go on for whoever holds what the account holds, and for nobody else", async () => {
    const setup = { account: stopped, accountHolds: ["secrets.read"] };
    const { outcome, database } = await update(disabledOnly, setup);
    expect(outcome).toMatchObject({ serviceAccount: { disabled: false } });
    expect(database.asked).toContain("auth.resume_principal");
    const lacking = await update(disabledOnly, { ...setup, callerHolds: ["secrets.list"] });
    expect(lacking.outcome).toMatchObject({ reason: "CREDENTIAL_EXCEEDS_OWN" });
    expect(lacking.database.asked).not.toContain("auth.resume_principal");
  });

  it.each([
    ["nothing", {}],
    ["a path that is none", { displayName: "x", updateMask: { paths: ["principal_id"] } }],
    ["the state of the row itself", { updateMask: { paths: ["state"] } }],
    ["an empty name", { updateMask: { paths: ["display_name"] } }],
  ])("CVE-2026-27946 is refused for %s", async (_, request) => {
    const { outcome, database } = await update(request);
    expect(outcome).toMatchObject({ reason: "REQUEST_INVALID" });
    expect(database.commits()).toBe(0);
  });

  it("is refused for what is no service account", async () => {
    const { outcome } = await update({ disabled: true }, { account: null });
    expect(outcome).toMatchObject({ reason: "SERVICE_ACCOUNT_NOT_FOUND" });
  });
});
