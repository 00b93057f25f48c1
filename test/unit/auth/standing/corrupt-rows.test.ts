// What the database says of rights is looked at like anything else that comes in from outside.
import { describe, expect, it } from "vitest";
import { grantsWithPermissions } from "../../../../src/auth/grant/store.ts";
import { readStanding } from "../../../../src/auth/standing/store.ts";
import { alice } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

const sound = {
  kind: "person",
  state: "active",
  generation: 1,
  role: "viewer",
  permissions: ["secrets.read"],
  resource: "secrets/a",
  effect: "allow",
  expires_at: null,
};

const now = new Date(0);
const database = (row: object) =>
  scriptedDatabase({
    "auth.standing": () => [{ ...sound, ...row }],
    "auth.explained_grants": () => [{ ...sound, ...row }],
  });

describe("a row that cannot be", () => {
  it.each([
    ["permissions as text", { permissions: "*" }],
    ["permissions of no text", { permissions: [7] }],
    ["no permissions", { permissions: null }],
    ["no resource", { resource: null }],
    ["no effect", { effect: null }],
    ["an effect nobody knows", { effect: "ALLOW" }],
    ["an end that is no time", { expires_at: new Date(Number.NaN) }],
    ["an end as text", { expires_at: "never" }],
  ])("AZ-12 refuses the whole standing: %s", async (_what, row) => {
    await expect(readStanding(database(row), alice, now)).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
    await expect(grantsWithPermissions(database(row), alice)).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
  });

  it.each([
    ["a kind nobody knows", { kind: "robot" }],
    ["no generation", { generation: null }],
    ["a generation as text", { generation: "1" }],
  ])("AZ-12 refuses the principal: %s", async (_what, row) => {
    await expect(readStanding(database(row), alice, now)).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
  });

  it("AZ-12 takes a state that nobody knows for no life", async () => {
    expect(await readStanding(database({ state: "Active" }), alice, now)).toMatchObject({ active: false });
  });

  it("AZ-12 is told from a sound one", async () => {
    expect(await readStanding(database({}), alice, now)).toMatchObject({
      active: true,
      grants: [{ resource: "secrets/a" }],
    });
  });
});
