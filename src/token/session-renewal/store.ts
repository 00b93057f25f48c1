// The SQL by which sessions are renewed: conditional updates, alone or many at once, that nobody can win twice.
import type { Statement, Transaction } from "../../kernel/database.ts";
import { clientStands } from "../token/store.ts";

export interface Renewal {
  readonly presented: { readonly sessionId: string; readonly number: number; readonly keyVersion: number };
  readonly now: Date;
  readonly idleExpiresAt: Date;
}

export interface Rotation extends Renewal {
  readonly nextKeyVersion: number;
}

/** Session `s` lives at the instant `now`, and so do its principal and its client. */
const renewable = (now: string) => `s.ended_at is null and s.idle_expires_at > ${now} and s.absolute_expires_at > ${now}
      and exists (
        select from principal as p
        where p.id = s.principal_id and p.state = 'active' and p.generation = s.principal_generation
      )
      and ${clientStands}`;

/**
 * The one statement of a refresh: of all that present the same number, one finds it current. Principal and client are
 * asked in the same breath, so that whoever was disabled renews nothing, whatever a replica remembers.
 */
const rotateStatement: Statement = {
  name: "token.session_rotate",
  text: `
    update session as s set refresh_number = refresh_number + 1, refresh_key_version = $4, refreshed_at = $5, idle_expires_at = $6
    where id = $1 and refresh_number = $2 and refresh_key_version = $3
      and ${renewable("$5")}
    returning id`,
};

/**
 * The same for many at once. A session that is being changed by somebody is passed over, and so is the second of two that present
 * the same token.
 */
const rotateTogetherStatement: Statement = {
  name: "token.session_rotate_together",
  text: `
    with given as (
      select id, number, key_version, next_key_version, now, idle_expires_at, place
      from unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::timestamptz[], $6::timestamptz[])
        with ordinality as g(id, number, key_version, next_key_version, now, idle_expires_at, place)
    ), held as (
      select s.id, g.next_key_version, g.now, g.idle_expires_at, g.place
      from given as g join session as s
        on s.id = g.id and s.refresh_number = g.number and s.refresh_key_version = g.key_version
      where ${renewable("g.now")}
      for update of s skip locked
    )
    update session as s set refresh_number = refresh_number + 1, refresh_key_version = held.next_key_version,
      refreshed_at = held.now, idle_expires_at = held.idle_expires_at
    from held where s.id = held.id
    returning held.place::int as place`,
};

/**
 * For a client that keeps its refresh tokens: the same, but that the token stays what it is. A predecessor, from before the
 * client kept them, has no longer grace for it.
 */
const touchStatement: Statement = {
  name: "token.session_touch",
  text: `
    update session as s set refreshed_at = case when refresh_number = 1 then $4 else refreshed_at end, idle_expires_at = $5
    where id = $1 and refresh_number = $2 and refresh_key_version = $3 and ${renewable("$4")}
    returning id`,
};

/** False when the presented token is not the current one of a live session of a standing principal. */
export async function rotateSession(tx: Transaction, rotation: Rotation): Promise<boolean> {
  const { presented, nextKeyVersion, now, idleExpiresAt } = rotation;
  const { sessionId, number, keyVersion } = presented;
  const times = [now.toISOString(), idleExpiresAt.toISOString()];
  const rows = await tx.rows(rotateStatement, [sessionId, number, keyVersion, nextKeyVersion, ...times]);
  return rows.length === 1;
}

/** As `rotateSession` for each, in their order. Sessions that others hold count as not current. */
export async function rotateSessions(tx: Transaction, rotations: readonly Rotation[]): Promise<readonly boolean[]> {
  const rows = await tx.rows<{ place: number }>(rotateTogetherStatement, [
    rotations.map(({ presented }) => presented.sessionId),
    rotations.map(({ presented }) => presented.number),
    rotations.map(({ presented }) => presented.keyVersion),
    rotations.map(({ nextKeyVersion }) => nextKeyVersion),
    rotations.map(({ now }) => now.toISOString()),
    rotations.map(({ idleExpiresAt }) => idleExpiresAt.toISOString()),
  ]);
  const rotated = new Set(rows.map(({ place }) => place - 1));
  return rotations.map((_, place) => rotated.has(place));
}

/** As `rotateSession`, for a token that is not used up. */
export async function touchSession(tx: Transaction, rotation: Renewal): Promise<boolean> {
  const { sessionId, number, keyVersion } = rotation.presented;
  const times = [rotation.now.toISOString(), rotation.idleExpiresAt.toISOString()];
  return (await tx.rows(touchStatement, [sessionId, number, keyVersion, ...times])).length === 1;
}
