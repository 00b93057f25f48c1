// SQL of service accounts.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";

export interface ServiceAccountRow extends Row {
  readonly principal_id: string;
  readonly display_name: string;
  readonly state: "active" | "disabled";
  readonly created_at: Date;
  readonly created_by: string;
  readonly updated_at: Date;
}

const columns = "a.principal_id, a.display_name, p.state, a.created_at, a.created_by, a.updated_at";

const findStatement: Statement = {
  name: "auth.service_account",
  text: `select ${columns} from service_account a join principal p on p.id = a.principal_id where a.principal_id = $1`,
};

export async function findServiceAccount(reader: Reader, principalId: string): Promise<ServiceAccountRow | undefined> {
  const [row] = await reader.rows<ServiceAccountRow>(findStatement, [principalId]);
  return row;
}

const lockStatement: Statement = {
  name: "auth.lock_service_account",
  text: `
    select ${columns} from service_account a join principal p on p.id = a.principal_id
    where a.principal_id = $1
    for update`,
};

/** Nobody else changes or deletes it, or gives it a credential, before this transaction ends. */
export async function lockServiceAccount(tx: Transaction, principalId: string): Promise<ServiceAccountRow | undefined> {
  const [row] = await tx.rows<ServiceAccountRow>(lockStatement, [principalId]);
  return row;
}

const listStatement: Statement = {
  name: "auth.service_accounts",
  text: `
    select ${columns} from service_account a join principal p on p.id = a.principal_id
    where $1::uuid is null or a.principal_id > $1::uuid
    order by a.principal_id limit $2`,
};

/** In order of id, which is the order of making. */
export function listServiceAccounts(
  reader: Reader,
  after: string | undefined,
  limit: number,
): Promise<ServiceAccountRow[]> {
  return reader.rows<ServiceAccountRow>(listStatement, [after ?? null, limit]);
}

const insertPrincipalStatement: Statement = {
  name: "auth.insert_machine_principal",
  text: `
    insert into principal (id, kind, state, generation, created_at) values ($1, 'service_account', 'active', 1, $2)`,
};

const insertStatement: Statement = {
  name: "auth.insert_service_account",
  text: `
    insert into service_account (principal_id, display_name, created_at, created_by, updated_at)
    values ($1, $2, $3, $4, $3)`,
};

export interface NewServiceAccount {
  readonly principalId: string;
  readonly displayName: string;
  readonly createdBy: string;
  readonly now: Date;
}

export async function insertServiceAccount(tx: Transaction, account: NewServiceAccount): Promise<void> {
  const { principalId, displayName, createdBy, now } = account;
  await tx.rows(insertPrincipalStatement, [principalId, now.toISOString()]);
  await tx.rows(insertStatement, [principalId, displayName, now.toISOString(), createdBy]);
}

const updateStatement: Statement = {
  name: "auth.update_service_account",
  text: "update service_account set display_name = $2, updated_at = $3 where principal_id = $1",
};

export async function updateServiceAccount(
  tx: Transaction,
  principalId: string,
  displayName: string,
  now: Date,
): Promise<void> {
  await tx.rows(updateStatement, [principalId, displayName, now.toISOString()]);
}

const stopStatement: Statement = {
  name: "auth.stop_principal",
  text: "update principal set state = 'disabled', generation = generation + 1 where id = $1 returning generation",
};

/** Its tokens stay dead when it goes on: they are older than the generation that is answered. */
export async function stopPrincipal(tx: Transaction, principalId: string): Promise<number> {
  const [row] = await tx.rows<Row & { readonly generation: number }>(stopStatement, [principalId]);
  return row?.generation ?? 1;
}

const resumeStatement: Statement = {
  name: "auth.resume_principal",
  text: "update principal set state = 'active' where id = $1",
};

export async function resumePrincipal(tx: Transaction, principalId: string): Promise<void> {
  await tx.rows(resumeStatement, [principalId]);
}

const dropGrantsStatement: Statement = {
  name: "auth.drop_grants_of_principal",
  text: "delete from access_grant where principal_id = $1",
};

const deleteStatement: Statement = {
  name: "auth.delete_service_account",
  text: "delete from service_account where principal_id = $1",
};

/** Its credentials must be gone. The principal itself stays, stopped: its id is never another's. Answers its generation. */
export async function deleteServiceAccount(tx: Transaction, principalId: string): Promise<number> {
  const generation = await stopPrincipal(tx, principalId);
  await tx.rows(dropGrantsStatement, [principalId]);
  await tx.rows(deleteStatement, [principalId]);
  return generation;
}
