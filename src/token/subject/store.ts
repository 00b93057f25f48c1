// SQL of ending everything that was handed out for a principal.
import type { Row, Statement, Transaction } from "../../kernel/database.ts";

export interface SubjectEnding {
  readonly principalId: string;
  /** Undefined = of whatever client. */
  readonly clientId: string | undefined;
  readonly reason: string;
  readonly now: Date;
}

const endSessionsStatement: Statement = {
  name: "token.sessions_of_subject_end",
  text: `
    update session set ended_at = $3, end_reason = $4
    where principal_id = $1 and ($2::text is null or client_id = $2)
      and ended_at is null and idle_expires_at > $3 and absolute_expires_at > $3
    returning id`,
};

const lastEndingStatement: Statement = {
  name: "token.subject_client_last_ending",
  text: "select max(expires_at) as number from feed where kind = 'subject_client' and key = $1",
};

/** The number of the last ending of this key, when it means something still. */
export async function lastEndingOf(tx: Transaction, key: string): Promise<Date | undefined> {
  const [row] = await tx.rows<Row & { readonly number: Date | null }>(lastEndingStatement, [key]);
  return row?.number ?? undefined;
}

/** The ids of the sessions that were live and are not any more. */
export async function endSessionsOf(tx: Transaction, ending: SubjectEnding): Promise<readonly string[]> {
  const { principalId, clientId, reason, now } = ending;
  const rows = await tx.rows<Row & { readonly id: string }>(endSessionsStatement, [
    principalId,
    clientId ?? null,
    now.toISOString(),
    reason,
  ]);
  return rows.map(({ id }) => id);
}
