// Keeps every secret of an installation from being written, so that a command that wraps keys anew stands still before them until
// it is killed: in the middle, however late a busy machine lets the test see how far it is.
import { expect } from "vitest";
import { connectEmbedded, embeddedRows } from "../server/embedded-rows.ts";
import type { Installation } from "../server/installation.ts";

const servers = "select from pg_stat_activity where application_name = 'gatehouse'";

/** The database of a server that is killed stays, and the command that comes next takes it over, with whoever is connected. */
export async function holdSecrets(installation: Installation): Promise<AsyncDisposable> {
  const server = await installation.start();
  const client = await connectEmbedded(installation.dataDir);
  await client.query("begin");
  await client.query("select from secret_version for update");
  await server.kill();
  await expect
    .poll(async () => (await embeddedRows(installation.dataDir, servers)).length, { timeout: 20_000 })
    .toBe(0);
  return { [Symbol.asyncDispose]: () => client.end() };
}
