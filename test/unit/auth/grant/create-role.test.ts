// CreateRole: the closed list, what the maker must hold, the bound, and the lock that comes first.
import { create } from "@bufbuild/protobuf";
import { CreateRoleRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createCreateRole } from "../../../../src/auth/grant/create-role.ts";
import { UniqueViolation } from "../../../../src/kernel/database.ts";
import { fakeContracts } from "../../../fakes/contracts.ts";
import { type RolesSetup, reader, rolesWorld } from "./roles-world.ts";

async function make(permissions: string[], setup: RolesSetup = {}) {
  const world = rolesWorld(setup);
  const request = create(CreateRoleRequestSchema, { name: "reader", permissions });
  const outcome = await createCreateRole({ contracts: fakeContracts })(request, world.call).catch(
    (error: unknown) => error,
  );
  return { ...world, outcome };
}

describe("CreateRole", () => {
  it("P-02 locks first, then stores the permissions in order", async () => {
    const { outcome, database, call } = await make(["things.read", "built.in"]);
    expect(outcome).toMatchObject({
      role: { name: "reader", permissions: ["built.in", "things.read"], builtIn: false },
    });
    expect(database.asked[0]).toBe("auth.lock_access_changes");
    expect(database.announced).toEqual([]);
    expect(call.audit).toMatchObject({ resources: [{ type: "role", uid: "reader" }] });
  });

  it("AZ-06 names every permission that is none, and never takes the one for all", async () => {
    const { outcome, database } = await make(["things.read", "*", "no.such"]);
    expect(outcome).toMatchObject({
      reason: "REQUEST_INVALID",
      violations: [{ field: "permissions[1]" }, { field: "permissions[2]" }],
    });
    expect(database.commits()).toBe(0);
  });

  it("AZ-05 is refused to whoever lacks one of them, by grant or by scope", async () => {
    for (const setup of [{ held: ["things.read"] }, { scopes: ["roles.create", "things.read"] }]) {
      expect((await make(["things.read", "built.in"], setup)).outcome).toMatchObject({ reason: "ROLE_EXCEEDS_OWN" });
    }
  });

  it("AZ-08 is refused when there is one of the name, or too many", async () => {
    expect((await make(["things.read"], { role: reader })).outcome).toMatchObject({ reason: "ROLE_EXISTS" });
    expect((await make(["things.read"], { count: 200 })).outcome).toMatchObject({ reason: "ROLE_LIMIT_REACHED" });
    expect((await make(["things.read"], { count: 199 })).outcome).toMatchObject({ role: {} });
    const onInsert = () => {
      throw new UniqueViolation("role_pkey");
    };
    expect((await make(["things.read"], { onInsert })).outcome).toMatchObject({ reason: "ROLE_EXISTS" });
  });
});
