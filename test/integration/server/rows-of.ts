// Every cell of every table of an installation that has stopped, as one haystack.
import { connect } from "../../../src/postgres/connection.ts";
import { startEmbedded } from "../../../src/postgres/embedded/server.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

export async function rowsOf(dataDir: string): Promise<Buffer> {
  const server = await startEmbedded({ dataDirectory: dataDir, logger: silentLogger });
  const client = await connect(server.connection("owner"), 20_000);
  try {
    const { rows: tables } = await client.query<{ name: string }>(
      "select format('%I.%I', schemaname, tablename) as name from pg_tables where schemaname = 'public'",
    );
    const cells: Buffer[] = [];
    for (const { name } of tables) {
      const { rows } = await client.query<Record<string, unknown>>(`select * from ${name}`);
      for (const cell of rows.flatMap((row) => Object.values(row))) {
        cells.push(Buffer.isBuffer(cell) ? cell : Buffer.from(typeof cell === "string" ? cell : JSON.stringify(cell)));
      }
    }
    return Buffer.concat(cells.flatMap((cell) => [cell, Buffer.from("\n")]));
  } finally {
    await client.end();
    await server.stop();
  }
}
