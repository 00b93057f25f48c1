// A scripted database in which one service account is, and one caller holds what a test says.
import type { Row } from "../../../../src/kernel/database.ts";
import { fakeCall } from "../../../fakes/call.ts";
import { alice, allow, bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";

export const cart = `prn_${bob}`;
export const keyId = "01890000-0000-7000-8000-00000000000c";
export const bindingId = "01890000-0000-7000-8000-00000000000d";

export const accountRow = {
  principal_id: bob,
  display_name: "cart",
  state: "active",
  created_at: new Date(0),
  created_by: alice,
  updated_at: new Date(0),
};

export const keyRow = {
  id: keyId,
  principal_id: bob,
  prefix: "ghk_12345678",
  display_name: "ci",
  scopes: ["secrets.read"],
  created_at: new Date(0),
  created_by: alice,
  expires_at: null,
  revoked_at: null,
  successor_id: null,
  last_used_at: null,
};

export const bindingRow = {
  id: bindingId,
  principal_id: bob,
  kind: "dns",
  issuer: "",
  subject: "cart.internal",
  scopes: ["*"],
  created_at: new Date(0),
  created_by: alice,
  last_used_at: null,
};

export interface AccountsSetup {
  readonly account?: Row | null;
  readonly key?: Row | null;
  readonly binding?: Row | null;
  /** What the account holds on everything. */
  readonly accountHolds?: readonly string[];
  /** What the database says that the caller holds on everything. */
  readonly callerHolds?: readonly string[];
  readonly callerScopes?: readonly string[];
  /** The caller's id. */
  readonly callerId?: string;
  readonly liveKeys?: number;
  readonly bindings?: number;
  readonly onInsertBinding?: () => never;
}

function standing(permissions: readonly string[]): readonly Row[] {
  const principal = { kind: "service_account", state: "active", generation: 1 };
  if (permissions.length === 0)
    return [{ ...principal, role: null, permissions: null, resource: null, effect: null, expires_at: null }];
  return [{ ...principal, role: "r", permissions, resource: "", effect: "allow", expires_at: null }];
}

const rowsOf = (row: Row | null): readonly Row[] => (row === null ? [] : [row]);

export function accountsWorld(setup: AccountsSetup = {}) {
  const { account = accountRow, key = keyRow, binding = bindingRow } = setup;
  const { accountHolds = [], callerHolds = ["*"], callerScopes = ["*"], callerId = alice } = setup;
  const written: (readonly [name: string, parameters: readonly unknown[]])[] = [];
  const write = (name: string) => (parameters: readonly unknown[]) => {
    written.push([name, parameters]);
    return [];
  };
  const database = scriptedDatabase({
    "auth.service_account": () => rowsOf(account),
    "auth.lock_service_account": () => rowsOf(account),
    "auth.standing": ([id]) => standing(id === bob ? accountHolds : callerHolds),
    "auth.stop_principal": () => [{ generation: 2 }],
    "auth.lock_api_key": () => rowsOf(key),
    "auth.count_live_api_keys": () => [{ count: setup.liveKeys ?? 0 }],
    "auth.count_workloads": () => [{ count: setup.bindings ?? 0 }],
    "auth.delete_workload": () => rowsOf(binding),
    "auth.insert_api_key": write("auth.insert_api_key"),
    "auth.replace_api_key": write("auth.replace_api_key"),
    "auth.insert_workload": setup.onInsertBinding ?? write("auth.insert_workload"),
    "auth.update_service_account": write("auth.update_service_account"),
  });
  const grants = callerHolds.map((permission) => allow(permission, ""));
  const principal = principalOf({ id: callerId, grants, scopes: callerScopes });
  return { database, written, call: fakeCall({ principal, unitOfWork: database.unitOfWork }) };
}
