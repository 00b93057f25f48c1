// SQL of standings: a principal with everything it was granted.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
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

type GrantColumns = Pick<StandingRow, "permissions" | "resource" | "effect" | "expires_at">;

const isText = (value: unknown): boolean => typeof value === "string";

function isSound({ permissions, resource, effect, expires_at }: GrantColumns): boolean {
  if (!Array.isArray(permissions) || !permissions.every(isText) || !isText(resource)) return false;
  if (effect !== "allow" && effect !== "deny") return false;
  return expires_at === null || (expires_at instanceof Date && !Number.isNaN(expires_at.getTime()));
}

/** Undefined = the principal holds none. What the database cannot mean is refused: left out, it might have been a denial. */
export function grantIn(row: GrantColumns): Grant | undefined {
  const { permissions, resource, effect, expires_at } = row;
  if (permissions === null && resource === null && effect === null) return undefined;
  if (!isSound(row)) throw new GatehouseError("DATA_CORRUPT", { cause: new TypeError("a grant that cannot be") });
  return {
    permissions: new Set(permissions),
    resource: resource ?? "",
    effect: effect ?? "deny",
    expiresAt: expires_at?.getTime(),
  };
}

function liveRoles(rows: readonly StandingRow[], now: Date): readonly string[] {
  const live = rows.filter(
    ({ effect, expires_at }) => effect === "allow" && (expires_at === null || expires_at.getTime() > now.getTime()),
  );
  return [...new Set(live.flatMap(({ role }) => role ?? []))];
}

/** A standing as it was read, with what makes it old. */
export interface ReadStanding extends Standing {
  /** Every role of every grant, whatever its effect or expiry. */
  readonly rolesInGrants: ReadonlySet<string>;
}

/** Undefined = no such principal. */
export async function readStanding(reader: Reader, principalId: string, now: Date): Promise<ReadStanding | undefined> {
  const rows = await reader.rows<StandingRow>(standingStatement, [principalId]);
  const [first] = rows;
  if (first === undefined) return undefined;
  if (!Number.isSafeInteger(first.generation) || (first.kind !== "person" && first.kind !== "service_account"))
    throw new GatehouseError("DATA_CORRUPT", { cause: new TypeError("a principal that cannot be") });
  const grants = rows.flatMap((row) => grantIn(row) ?? []);
  return {
    principalId,
    kind: first.kind,
    active: first.state === "active",
    generation: first.generation,
    roles: liveRoles(rows, now),
    grants,
    rolesInGrants: new Set(rows.flatMap(({ role }) => role ?? [])),
  };
}

const raiseStatement: Statement = {
  name: "auth.raise_generation",
  text: "update principal set generation = generation + 1 where id = $1 returning generation",
};

/** The next generation; undefined = no such principal. */
export async function raiseGeneration(tx: Transaction, principalId: string): Promise<number | undefined> {
  const [row] = await tx.rows<Row & { readonly generation: number }>(raiseStatement, [principalId]);
  return row?.generation;
}
