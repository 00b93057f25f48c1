// SQL of standings: a principal with everything it was granted.
import type { Reader, Statement } from "../../kernel/database.ts";
import type { Grant, PrincipalKind, Standing } from "../../kernel/principal.ts";

interface StandingRow {
  readonly [column: string]: unknown;
  readonly kind: PrincipalKind;
  readonly state: string;
  readonly generation: number;
  readonly role: string | null;
  readonly permissions: readonly string[] | null;
  readonly resource: string | null;
  readonly effect: "allow" | "deny" | null;
  readonly expires_at: Date | null;
}

const standingStatement: Statement = {
  name: "auth.standing",
  text: `
    select p.kind, p.state, p.generation, g.role, r.permissions, g.resource, g.effect, g.expires_at
    from principal p
    left join access_grant g on g.principal_id = p.id
    left join role r on r.name = g.role
    where p.id = $1
    order by g.id`,
};

function grantOf({ permissions, resource, effect, expires_at }: StandingRow): Grant[] {
  if (permissions === null || resource === null || effect === null) return [];
  return [{ permissions: new Set(permissions), resource, effect, expiresAt: expires_at?.getTime() }];
}

function liveRoles(rows: readonly StandingRow[], now: Date): readonly string[] {
  const live = rows.filter(
    ({ effect, expires_at }) => effect === "allow" && (expires_at === null || expires_at.getTime() > now.getTime()),
  );
  return [...new Set(live.flatMap(({ role }) => role ?? []))];
}

/** Undefined = no such principal. */
export async function readStanding(reader: Reader, principalId: string, now: Date): Promise<Standing | undefined> {
  const rows = await reader.rows<StandingRow>(standingStatement, [principalId]);
  const [first] = rows;
  if (first === undefined) return undefined;
  return {
    principalId,
    kind: first.kind,
    active: first.state === "active",
    generation: first.generation,
    roles: liveRoles(rows, now),
    grants: rows.flatMap(grantOf),
  };
}
