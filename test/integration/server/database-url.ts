// Connection settings of the tests' own PostgreSQL as an operator would write them.
import type { ConnectionSettings } from "../../../src/postgres/connection.ts";

export function databaseUrl(settings: ConnectionSettings, password = settings.password.expose()): string {
  const { user, database, host, port } = settings;
  const query = new URLSearchParams({ host, port: String(port) });
  return `postgres://${user}:${encodeURIComponent(password)}@/${database}?${query}`;
}
