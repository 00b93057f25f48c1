// Delete, Undelete and Destroy are one thing: change the state of the named versions, all of them or none.
import type { Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Call } from "../../kernel/handler.ts";
import type { VersionFacts } from "../domain/version-state.ts";
import { countKnownVersions, updateVersions, type VersionChange } from "./store.ts";

export interface ChangedVersions {
  readonly path: string;
  readonly versions: readonly number[];
}

async function refusal(tx: Transaction, { path, versions }: ChangedVersions): Promise<GatehouseError> {
  const known = await countKnownVersions(tx, path, versions);
  return new GatehouseError(known < versions.length ? "SECRET_NOT_FOUND" : "SECRET_VERSION_DESTROYED");
}

/** Throws SECRET_NOT_FOUND when one of the versions is not there, SECRET_VERSION_DESTROYED when one is past changing. */
export function commitChange<T extends object>(
  call: Call,
  change: VersionChange,
  named: ChangedVersions,
  answer: (versions: readonly VersionFacts[]) => T,
): Promise<T> {
  const { path, versions } = named;
  const [only] = versions;
  call.audit.resources = [
    { type: "secret", uid: path, ...(versions.length === 1 && only !== undefined ? { version: only } : {}) },
  ];
  call.audit.details.versions = [...versions];
  return call.commit(async (tx) => {
    const changed = await updateVersions(tx, change, path, versions, call.now);
    if (changed.length < versions.length) throw await refusal(tx, named);
    return answer(changed);
  });
}
