// SQL of workload bindings.
import type { LoneWriter, Reader, Row, Statement, Transaction } from "../../kernel/database.ts";

export type WorkloadKind = "spiffe" | "dns" | "kubernetes";

export interface BindingRow extends Row {
  readonly id: string;
  readonly principal_id: string;
  readonly kind: WorkloadKind;
  readonly issuer: string;
  readonly subject: string;
  readonly scopes: readonly string[];
  readonly created_at: Date;
  readonly created_by: string;
  readonly last_used_at: Date | null;
}

const columns = "id, principal_id, kind, issuer, subject, scopes, created_at, created_by, last_used_at";

const ofCertificateStatement: Statement = {
  name: "auth.workloads_of_certificate",
  text: `
    select ${columns} from workload_binding
    where issuer = '' and ((kind = 'spiffe' and subject = $1) or (kind = 'dns' and subject = any($2::text[])))`,
};

export function findCertificateBindings(
  reader: Reader,
  spiffeId: string | undefined,
  dnsNames: readonly string[],
): Promise<BindingRow[]> {
  return reader.rows<BindingRow>(ofCertificateStatement, [spiffeId ?? null, dnsNames]);
}

const kubernetesStatement: Statement = {
  name: "auth.workload_of_kubernetes",
  text: `select ${columns} from workload_binding where kind = 'kubernetes' and issuer = $1 and subject = $2`,
};

export async function findKubernetesBinding(
  reader: Reader,
  issuer: string,
  subject: string,
): Promise<BindingRow | undefined> {
  const [row] = await reader.rows<BindingRow>(kubernetesStatement, [issuer, subject]);
  return row;
}

const listStatement: Statement = {
  name: "auth.workloads_of_account",
  text: `
    select ${columns} from workload_binding
    where principal_id = $1 and ($2::uuid is null or id > $2::uuid)
    order by id limit $3`,
};

/** In order of id, which is the order of making. */
export function listBindings(
  reader: Reader,
  principalId: string,
  after: string | undefined,
  limit: number,
): Promise<BindingRow[]> {
  return reader.rows<BindingRow>(listStatement, [principalId, after ?? null, limit]);
}

const countStatement: Statement = {
  name: "auth.count_workloads",
  text: "select count(*)::integer as count from workload_binding where principal_id = $1",
};

export async function countBindings(tx: Transaction, principalId: string): Promise<number> {
  const [row] = await tx.rows<{ count: number }>(countStatement, [principalId]);
  return row?.count ?? 0;
}

/** Name of the constraint that holds when the workload is bound already, to whomever. */
export const bindingOnce = "workload_binding_once";

const insertStatement: Statement = {
  name: "auth.insert_workload",
  text: `
    insert into workload_binding (id, principal_id, kind, issuer, subject, scopes, created_at, created_by)
    values ($1, $2, $3, $4, $5, $6, $7, $8)`,
};

/** Raises `bindingOnce`. */
export async function insertBinding(tx: Transaction, row: BindingRow): Promise<void> {
  const { id, principal_id, kind, issuer, subject, scopes, created_at, created_by } = row;
  await tx.rows(insertStatement, [
    id,
    principal_id,
    kind,
    issuer,
    subject,
    scopes,
    created_at.toISOString(),
    created_by,
  ]);
}

const deleteStatement: Statement = {
  name: "auth.delete_workload",
  text: `delete from workload_binding where id = $1 and principal_id = $2 returning ${columns}`,
};

/** The account is part of the question: another's binding is as absent as one that never was. */
export async function deleteBinding(tx: Transaction, id: string, principalId: string): Promise<BindingRow | undefined> {
  const [row] = await tx.rows<BindingRow>(deleteStatement, [id, principalId]);
  return row;
}

const dropStatement: Statement = {
  name: "auth.drop_workloads_of_account",
  text: "delete from workload_binding where principal_id = $1",
};

export async function dropBindings(tx: Transaction, principalId: string): Promise<void> {
  await tx.rows(dropStatement, [principalId]);
}

const usedStatement: Statement = {
  name: "auth.workloads_used",
  text: `
    update workload_binding set last_used_at = used.at
    from unnest($1::uuid[], $2::timestamptz[]) as used (id, at)
    where workload_binding.id = used.id
      and (workload_binding.last_used_at is null or workload_binding.last_used_at < used.at)`,
};

export async function noteBindingsUsed(writer: LoneWriter, used: ReadonlyMap<string, Date>): Promise<void> {
  await writer.write(usedStatement, [[...used.keys()], [...used.values()].map((at) => at.toISOString())]);
}
