// How each class of calls is limited: the table that docs/limits.md explains.
import type { LimitName } from "../policy.ts";

export type LimitedName = Exclude<LimitName, "unlimited">;

export interface LimitClassRule {
  /**
   * `process`: every replica counts for itself, in memory, at no cost. `shared`: all replicas count together, exactly, for
   * a round trip to the store.
   */
  readonly counted: "process" | "shared";
  /** When the store does not answer: refuse, or go on with what this process counts. */
  readonly withoutStore: "closed" | "open";
  /** One address may stand for a whole office, so it gets the budget of this many callers. */
  readonly callersBehindAddress: number;
}

export const limitClasses: Readonly<Record<LimitedName, LimitClassRule>> = {
  // Whoever guesses must not have a budget for each replica, and none at all for the time of an outage.
  login: { counted: "shared", withoutStore: "closed", callersBehindAddress: 10 },
  tokenCheck: { counted: "process", withoutStore: "open", callersBehindAddress: 1 },
  read: { counted: "process", withoutStore: "open", callersBehindAddress: 1 },
  write: { counted: "process", withoutStore: "open", callersBehindAddress: 1 },
};

export const limitedNames = Object.keys(limitClasses) as readonly LimitedName[];
