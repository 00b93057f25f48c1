// DeleteRole: not while somebody holds it, never a built-in one.
import { create } from "@bufbuild/protobuf";
import { DeleteRoleRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createDeleteRole } from "../../../../src/auth/grant/delete-role.ts";
import { type RolesSetup, reader, rolesWorld } from "./roles-world.ts";

async function remove(setup: RolesSetup) {
  const { database, call } = rolesWorld(setup);
  const request = create(DeleteRoleRequestSchema, { name: "reader" });
  return { database, outcome: await createDeleteRole()(request, call).catch((error: unknown) => error) };
}

describe("DeleteRole", () => {
  it("P-02 lets go of expired grants, looks who holds it, then deletes, all behind the lock", async () => {
    const { database } = await remove({ role: reader });
    expect(database.asked).toEqual([
      "auth.lock_access_changes",
      "auth.role",
      "auth.drop_expired_grants_of_role",
      "auth.role_in_use",
      "auth.delete_role",
    ]);
  });

  it.each([
    ["while it is held", { role: reader, inUse: true }, "ROLE_IN_USE"],
    ["when it is built in", { role: { ...reader, builtin: true } }, "ROLE_BUILT_IN"],
    ["when there is none", {}, "ROLE_NOT_FOUND"],
  ])("P-02 is refused %s", async (_when, setup, reason) => {
    const { outcome, database } = await remove(setup);
    expect(outcome).toMatchObject({ reason });
    expect(database.asked).not.toContain("auth.delete_role");
  });
});
