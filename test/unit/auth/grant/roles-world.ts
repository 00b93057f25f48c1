// A scripted database in which one caller stands, and one role may be.
import type { Row } from "../../../../src/kernel/database.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { allow, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

export interface RolesSetup {
  /** What the database says that the caller holds on everything. */
  readonly held?: readonly string[];
  readonly scopes?: readonly string[];
  readonly role?: Row;
  readonly count?: number;
  readonly inUse?: boolean;
  readonly onInsert?: () => never;
}

export const reader: Row = {
  name: "reader",
  permissions: ["things.read"],
  builtin: false,
  description: "",
  updated_at: new Date(0),
};

export function rolesWorld({
  held = ["*"],
  scopes = ["*"],
  role,
  count = 5,
  inUse = false,
  onInsert,
}: RolesSetup = {}) {
  const standing: Row = {
    kind: "person",
    state: "active",
    generation: 1,
    role: "r",
    permissions: held,
    resource: "",
    effect: "allow",
    expires_at: null,
  };
  const database = scriptedDatabase({
    "auth.standing": () => [standing],
    "auth.role": () => (role === undefined ? [] : [role]),
    "auth.builtin_permissions": () => [{ permission: "*" }, { permission: "built.in" }],
    "auth.count_roles": () => [{ count }],
    "auth.role_in_use": () => (inUse ? [{ held: 1 }] : []),
    "auth.insert_role": () => onInsert?.() ?? [],
  });
  const principal = principalOf({ grants: [allow("*", "")], scopes });
  const call = fakeCall({ principal, unitOfWork: database.unitOfWork });
  return { database, call };
}
