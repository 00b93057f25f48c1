// SQL of invitations.
import type { Reader, Statement, Transaction } from "../../kernel/database.ts";

export interface NewInvitation {
  readonly id: string;
  readonly hash: { readonly value: Buffer; readonly version: number };
  readonly createdBy: string;
  readonly now: Date;
  readonly expiresAt: Date;
}

const insertStatement: Statement = {
  name: "auth.insert_invitation",
  text: `
    insert into invitation (id, token_hash, hash_version, created_by, created_at, expires_at)
    values ($1, $2, $3, $4, $5, $6)`,
};

export async function insertInvitation(tx: Transaction, invitation: NewInvitation): Promise<void> {
  const { id, hash, createdBy, now, expiresAt } = invitation;
  const times = [now.toISOString(), expiresAt.toISOString()];
  await tx.rows(insertStatement, [id, hash.value, hash.version, createdBy, ...times]);
}

/** An invitation dies with its maker's standing: what a disabled account gave out lets nobody in. */
const usable = `
  token_hash = any($1::bytea[]) and used_at is null and expires_at > $2
  and exists (select 1 from principal p where p.id = created_by and p.state = 'active')`;

const usableStatement: Statement = {
  name: "auth.usable_invitation",
  text: `select id from invitation where ${usable}`,
};

export async function isUsableInvitation(reader: Reader, hashes: readonly Buffer[], now: Date): Promise<boolean> {
  return (await reader.rows(usableStatement, [hashes, now.toISOString()])).length === 1;
}

const takeStatement: Statement = {
  name: "auth.take_invitation",
  text: `update invitation set used_at = $2, used_by = $3 where ${usable} returning id`,
};

/** The invitation's id for one caller alone, however many try at once; undefined for the others. */
export async function takeInvitation(
  tx: Transaction,
  hashes: readonly Buffer[],
  usedBy: string,
  now: Date,
): Promise<string | undefined> {
  const [row] = await tx.rows<{ id: string }>(takeStatement, [hashes, now.toISOString(), usedBy]);
  return row?.id;
}
