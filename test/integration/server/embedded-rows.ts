// Asks the database of an installation that runs on the embedded one, beside its process.
import { readFile, realpath } from "node:fs/promises";
import { join, resolve } from "node:path";
import type pg from "pg";
import { connect } from "../../../src/postgres/connection.ts";
import { readCredentials } from "../../../src/postgres/embedded/credentials.ts";
import { databaseName } from "../../../src/postgres/embedded/initialise.ts";
import { layoutOf } from "../../../src/postgres/embedded/layout.ts";

/** As the owner. */
export async function connectEmbedded(dataDir: string): Promise<pg.Client> {
  const layout = layoutOf(await realpath(dataDir));
  // Its fourth and fifth line are the port and the directory of the socket.
  const [, , , port, host = ""] = (await readFile(join(layout.cluster, "postmaster.pid"), "utf8")).split("\n");
  const { owner } = await readCredentials(layout.credentials);
  const login = {
    host: resolve(layout.cluster, host),
    port: Number(port),
    database: databaseName,
    user: "gatehouse_owner",
    password: owner,
    applicationName: "test",
  };
  return await connect(login, 20_000);
}

export async function embeddedRows<R>(dataDir: string, sql: string, parameters: readonly unknown[] = []): Promise<R[]> {
  const client = await connectEmbedded(dataDir);
  try {
    return (await client.query(sql, [...parameters])).rows as R[];
  } finally {
    await client.end();
  }
}
