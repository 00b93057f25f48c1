// Where a database is and who we are there. The password never leaves its Secret but into the driver.
import type { ConnectionOptions } from "node:tls";
import pg from "pg";
import { Secret } from "../kernel/secret.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { connectionSecurity, readUrlSecurity } from "./connection-security.ts";
import { typeParsers } from "./types.ts";

export interface ConnectionSettings {
  /** Host name, address, or the directory of a Unix socket. */
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: Secret<string>;
  /** False or undefined = in plaintext. */
  readonly tls?: false | ConnectionOptions;
  /** Shown in pg_stat_activity. */
  readonly applicationName?: string;
}

/**
 * Reads a `postgres://` URL; `setting` names it in the refusal, because the URL itself holds a password. `caFile` = the
 * authorities of the server. Throws StartRefused.
 */
export function parseConnectionUrl(setting: string, url: Secret<string>, caFile?: string): ConnectionSettings {
  const security = readUrlSecurity(setting, url.expose());
  const parsed = parseWithoutTls(setting, security.rest);
  return { ...parsed, tls: connectionSecurity({ setting, host: parsed.host, security, caFile }) };
}

function parseWithoutTls(setting: string, url: string): ConnectionSettings {
  try {
    // WHATWG URLs may not leave the host out beside credentials; Postgres URLs may, for a socket named by `?host=`.
    const { protocol } = new URL(url.replace("@/", "@localhost/"));
    if (protocol !== "postgres:" && protocol !== "postgresql:") throw new TypeError("another protocol");
    const { host, port, database, user, password } = new pg.Client({ connectionString: url });
    return {
      host,
      port,
      database: database ?? "postgres",
      user: user ?? "postgres",
      password: new Secret(password ?? ""),
    };
  } catch {
    throw new StartRefused(`${setting} is not a Postgres URL of the form postgres://user:password@host:port/database`);
  }
}

/** Where the connection goes, fit to be printed. */
export function describeConnection(settings: ConnectionSettings): string {
  const place = settings.host.startsWith("/") ? settings.host : `${settings.host}:${settings.port}`;
  return `${settings.database} at ${place}`;
}

/** The driver's form of the settings, the same for a pooled connection and a single one. */
export function clientConfig(settings: ConnectionSettings): pg.ClientConfig {
  return {
    host: settings.host,
    port: settings.port,
    database: settings.database,
    user: settings.user,
    password: settings.password.expose(),
    // Never undefined: the driver would ask PGSSLMODE then.
    ssl: settings.tls ?? false,
    application_name: settings.applicationName ?? "gatehouse",
    types: typeParsers,
    keepAlive: true,
  };
}

/** One connection outside any pool, for migrations and for the lock of the data directory. */
export async function connect(settings: ConnectionSettings, timeoutMs: number): Promise<pg.Client> {
  const client = new pg.Client({ ...clientConfig(settings), connectionTimeoutMillis: timeoutMs });
  // Without a listener a lost connection would end the process; what waits on the client hears of it anyway.
  client.on("error", () => {});
  await client.connect();
  return client;
}
