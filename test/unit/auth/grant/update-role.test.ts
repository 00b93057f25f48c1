// UpdateRole: what changes is asked for, what does not change is not, and replicas hear of changed permissions alone.
import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { UpdateRoleRequestSchema } from "@gatehouse/proto/gatehouse/auth/v1/grant_service_pb.js";
import { describe, expect, it } from "vitest";
import { createUpdateRole } from "../../../../src/auth/grant/update-role.ts";
import { callTime } from "../../../fakes/call.ts";
import { fakeContracts } from "../../../fakes/contracts.ts";
import { type RolesSetup, reader, rolesWorld } from "./roles-world.ts";

async function change(request: MessageInitShape<typeof UpdateRoleRequestSchema>, setup: RolesSetup = {}) {
  const world = rolesWorld({ role: reader, ...setup });
  const message = create(UpdateRoleRequestSchema, { name: "reader", ...request });
  const outcome = await createUpdateRole({ contracts: fakeContracts })(message, world.call).catch(
    (error: unknown) => error,
  );
  return { ...world, outcome };
}

describe("UpdateRole", () => {
  it("P-13 announces the role once, and records what was and what is", async () => {
    const { outcome, database, call } = await change({ permissions: ["built.in"] });
    expect(outcome).toMatchObject({ role: { permissions: ["built.in"] } });
    expect(database.announced).toEqual([
      { kind: "role", key: "reader", expiresAt: new Date(callTime.getTime() + 3_600_000) },
    ]);
    expect(call.audit.details).toMatchObject({ permissions: ["built.in"], permissions_before: ["things.read"] });
  });

  it("P-13 announces nothing when only the description changes, and asks nothing for it", async () => {
    const { outcome, database } = await change({ description: "new" }, { held: ["roles.update"] });
    expect(outcome).toMatchObject({ role: { permissions: ["things.read"], description: "new" } });
    expect(database.announced).toEqual([]);
  });

  it("AZ-05 is refused to whoever lacks what is added, or what is taken away", async () => {
    const add = { permissions: ["things.read", "built.in"] };
    expect((await change(add, { held: ["things.read"] })).outcome).toMatchObject({ reason: "ROLE_EXCEEDS_OWN" });
    expect((await change(add, { held: ["built.in"] })).outcome).toMatchObject({ role: {} });
    const swap = { permissions: ["built.in"] };
    expect((await change(swap, { held: ["built.in"] })).outcome).toMatchObject({ reason: "ROLE_EXCEEDS_OWN" });
  });

  it("P-02 keeps a permission that no contract names any more, but adds none", async () => {
    const role = { ...reader, permissions: ["gone.by"] };
    const kept = await change({ permissions: ["gone.by", "things.read"] }, { role });
    expect(kept.outcome).toMatchObject({ role: { permissions: ["gone.by", "things.read"] } });
    expect((await change({ permissions: ["things.read", "gone.by"] })).outcome).toMatchObject({
      reason: "REQUEST_INVALID",
    });
  });

  it("AZ-03 takes no path but its two, and nothing for nothing", async () => {
    for (const request of [{}, { updateMask: { paths: ["name"] } }, { updateMask: { paths: ["permissions"] } }]) {
      expect((await change(request)).outcome).toMatchObject({ reason: "REQUEST_INVALID" });
    }
  });

  it("P-02 is refused for built-in roles and for none", async () => {
    const builtin = { role: { ...reader, builtin: true } };
    expect((await change({ description: "x" }, builtin)).outcome).toMatchObject({ reason: "ROLE_BUILT_IN" });
    const none = rolesWorld();
    const message = create(UpdateRoleRequestSchema, { name: "none", description: "x" });
    await expect(createUpdateRole({ contracts: fakeContracts })(message, none.call)).rejects.toMatchObject({
      reason: "ROLE_NOT_FOUND",
    });
  });
});
