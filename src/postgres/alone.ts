// Whether anybody else works on the database, as far as the database can tell.
import type { Reader, Row, Statement } from "../kernel/database.ts";
import { StartRefused } from "../kernel/start-refused.ts";

const othersStatement: Statement = {
  name: "postgres.other_sessions",
  text: `
    select count(*)::integer as sessions from pg_catalog.pg_stat_activity
    where datname = current_database() and application_name = 'gatehouse'
      and application_name <> current_setting('application_name')`,
};

/** For a command that goes by another application name. Throws StartRefused while a server is connected. */
export async function requireNoServer(reader: Reader): Promise<void> {
  const [row] = await reader.rows<Row & { readonly sessions: number }>(othersStatement, []);
  if (row?.sessions !== 0) throw new StartRefused("a server is connected to the database: stop every replica first");
}
