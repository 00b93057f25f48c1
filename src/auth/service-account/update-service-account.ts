// ServiceAccountService.UpdateServiceAccount: renames a service account, stops it, lets it go on.
import { create } from "@bufbuild/protobuf";
import {
  type ServiceAccountService,
  type UpdateServiceAccountRequest,
  UpdateServiceAccountResponseSchema,
} from "@gatehouse/proto/gatehouse/auth/v1/service_account_service_pb.js";
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError, invalidField } from "../../kernel/errors.ts";
import type { Call, UnaryHandler } from "../../kernel/handler.ts";
import { anyPermission } from "../../kernel/principal.ts";
import { announceStanding } from "../grant/change-access.ts";
import { announceGeneration } from "../standing/generations.ts";
import { lockAccount, namedAccount, requireHeldOf } from "./account-change.ts";
import { resumePrincipal, type ServiceAccountRow, stopPrincipal, updateServiceAccount } from "./store.ts";
import { accountView } from "./views.ts";

const changeable = ["display_name", "disabled"] as const;
type Path = (typeof changeable)[number];

function isChangeable(path: string): path is Path {
  return (changeable as readonly string[]).includes(path);
}

/** AIP-134: without a mask, what is not empty. A path that is not one of these two reaches nothing and is refused. */
function pathsOf({ updateMask, displayName, disabled }: UpdateServiceAccountRequest): ReadonlySet<Path> {
  const given = updateMask?.paths ?? [];
  const violations = given.flatMap((path, index) =>
    isChangeable(path)
      ? []
      : { field: `update_mask.paths[${index}]`, description: "must be one of the account's fields" },
  );
  if (violations.length > 0) throw new GatehouseError("REQUEST_INVALID", { violations });
  const implied = changeable.filter((path) => (path === "disabled" ? disabled : displayName !== ""));
  const paths = new Set(given.length > 0 ? given.filter(isChangeable) : implied);
  if (paths.size === 0) throw invalidField("update_mask", "must name what to change");
  if (paths.has("display_name") && displayName === "") throw invalidField("display_name", "must not be empty");
  return paths;
}

/** To let an account go on gives back what it holds, so it takes as much. */
async function setState(tx: Transaction, account: ServiceAccountRow, disabled: boolean, call: Call): Promise<void> {
  const { principal_id: id, state } = account;
  if ((state !== "active") === disabled) return;
  if (!disabled) await requireHeldOf(tx, call, id, [anyPermission]);
  if (disabled) return announceGeneration(tx, id, await stopPrincipal(tx, id), call.now);
  await resumePrincipal(tx, id);
  announceStanding(tx, id, call.now);
}

export function createUpdateServiceAccount(): UnaryHandler<typeof ServiceAccountService.method.updateServiceAccount> {
  return async (request, call) => {
    const paths = pathsOf(request);
    const id = namedAccount(request.principalId, call);
    if (paths.has("display_name")) call.audit.details.display_name = request.displayName;
    if (paths.has("disabled")) call.audit.details.disabled = request.disabled;
    return call.commit(async (tx) => {
      const account = await lockAccount(tx, id);
      const name = paths.has("display_name") ? request.displayName : account.display_name;
      if (paths.has("disabled")) await setState(tx, account, request.disabled, call);
      await updateServiceAccount(tx, id, name, call.now);
      const stopped = paths.has("disabled") ? request.disabled : account.state !== "active";
      const state = stopped ? "disabled" : "active";
      const serviceAccount = accountView({ ...account, display_name: name, state, updated_at: call.now });
      return create(UpdateServiceAccountResponseSchema, { serviceAccount });
    });
  };
}
