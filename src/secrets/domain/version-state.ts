// What a version of a secret is, and whether it may be opened. Destroyed is final; deleted can be taken back; expiry is
// looked at when reading and changes nothing.
import { GatehouseError, type Reason } from "../../kernel/errors.ts";

export interface VersionFacts {
  readonly version: number;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
  readonly deletedAt: Date | null;
  readonly destroyedAt: Date | null;
}

export type VersionState = "enabled" | "deleted" | "destroyed";

export function stateOf({ deletedAt, destroyedAt }: Pick<VersionFacts, "deletedAt" | "destroyedAt">): VersionState {
  if (destroyedAt !== null) return "destroyed";
  return deletedAt === null ? "enabled" : "deleted";
}

const refusals: Readonly<Record<VersionState, Reason | undefined>> = {
  enabled: undefined,
  deleted: "SECRET_VERSION_DELETED",
  destroyed: "SECRET_VERSION_DESTROYED",
};

/** Throws SECRET_VERSION_DELETED, SECRET_VERSION_DESTROYED or SECRET_EXPIRED. An expiry at `now` has passed. */
export function requireReadable(facts: VersionFacts, now: Date): void {
  const refusal = refusals[stateOf(facts)];
  if (refusal !== undefined) throw new GatehouseError(refusal);
  if (facts.expiresAt !== null && facts.expiresAt.getTime() <= now.getTime())
    throw new GatehouseError("SECRET_EXPIRED");
}

/** int32, as versions are in the contract. */
export const lastVersion = 2_147_483_647;
