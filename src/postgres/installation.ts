// Which installation a database belongs to. Its id is bound into every sealed value, and is the same for every replica.
import { randomUUID } from "node:crypto";
import type { LoneWriter, Row, Statement } from "../kernel/database.ts";

interface InstallationRow extends Row {
  readonly id: string;
}

const claimStatement: Statement = {
  name: "postgres.claim_installation",
  text: `with claimed as (
           insert into installation (id, created_at) values ($1, $2) on conflict (only_row) do nothing returning id
         )
         select id from claimed union all select id from installation limit 1`,
};

/** The id that was first; replicas that start together agree. Errors: DATABASE_UNAVAILABLE. */
export async function claimInstallation(writer: LoneWriter, now: Date): Promise<string> {
  for (;;) {
    // A replica that commits between the snapshot of this statement and its insert leaves no row to see: look again.
    const [row] = await writer.write<InstallationRow>(claimStatement, [randomUUID(), now.toISOString()]);
    if (row !== undefined) return row.id;
  }
}
