// What a refresh token that was presented is, given the session as it stands (docs/decisions/0014-refresh-tokens.md).

/** A session as far as its refresh tokens go. */
export interface FamilyState {
  readonly number: number;
  readonly keyVersion: number;
  readonly refreshedAt: Date;
  readonly idleExpiresAt: Date;
  readonly absoluteExpiresAt: Date;
  readonly ended: boolean;
  /** The principal is active and of the generation that the session was opened with. */
  readonly principalStands: boolean;
  /** The client is active and of the generation that the session was opened with. */
  readonly clientStands: boolean;
}

/** How far behind the family a reused token is; for the audit trail. */
export type ReuseClass = "RECENT_PREDECESSOR" | "STALE_LINEAGE" | "NOT_OF_LINEAGE";

export type RefreshStanding =
  /** The one that renews. */
  | { readonly is: "CURRENT" }
  /** Its successor was handed out a moment ago, and is handed out again. */
  | { readonly is: "REPEATED" }
  /** Someone holds a token that was used up: the holder or a thief. */
  | { readonly is: "REUSED"; readonly classification: ReuseClass }
  | {
      readonly is: "DEAD";
      readonly reason: "SESSION_ENDED" | "SESSION_EXPIRED" | "SESSION_IDLE" | "PRINCIPAL_DISABLED" | "CLIENT_DISABLED";
    };

function deadReason(family: FamilyState, now: Date) {
  if (family.ended) return "SESSION_ENDED";
  if (family.absoluteExpiresAt <= now) return "SESSION_EXPIRED";
  if (family.idleExpiresAt <= now) return "SESSION_IDLE";
  if (!family.principalStands) return "PRINCIPAL_DISABLED";
  return family.clientStands ? undefined : "CLIENT_DISABLED";
}

/** Counted from the one moment at which the predecessor was used up, so repeating it never makes the grace longer. */
function withinGrace(family: FamilyState, graceMs: number, now: Date): boolean {
  return now.getTime() < family.refreshedAt.getTime() + graceMs;
}

export function judgeRefresh(
  presented: { readonly number: number; readonly keyVersion: number },
  family: FamilyState,
  graceMs: number,
  now: Date,
): RefreshStanding {
  const reason = deadReason(family, now);
  if (reason !== undefined) return { is: "DEAD", reason };
  const behind = family.number - presented.number;
  if (behind === 0 && presented.keyVersion === family.keyVersion) return { is: "CURRENT" };
  // The database was set back to an earlier state, or someone holds a key that this number was not made under.
  if (behind <= 0) return { is: "REUSED", classification: "NOT_OF_LINEAGE" };
  if (behind > 1) return { is: "REUSED", classification: "STALE_LINEAGE" };
  if (withinGrace(family, graceMs, now)) return { is: "REPEATED" };
  return { is: "REUSED", classification: "RECENT_PREDECESSOR" };
}
