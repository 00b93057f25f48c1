// The three logins of the embedded Postgres and their random passwords, in one file that only we may read.
import { randomBytes } from "node:crypto";
import { open, readFile } from "node:fs/promises";
import { Secret } from "../../kernel/secret.ts";
import { StartRefused } from "../../kernel/start-refused.ts";

/** The owner migrates; app serves; log is the sequencer's. */
export const logins = { owner: "gatehouse_owner", app: "gatehouse_app_login", log: "gatehouse_log_login" } as const;
export type Login = keyof typeof logins;
export type Credentials = Readonly<Record<Login, Secret<string>>>;

export function makeCredentials(): Credentials {
  const password = (): Secret<string> => new Secret(randomBytes(32).toString("base64url"));
  return { owner: password(), app: password(), log: password() };
}

/** Durable when it returns. */
export async function writeCredentials(path: string, credentials: Credentials): Promise<void> {
  const { owner, app, log } = credentials;
  const file = await open(path, "wx", 0o600);
  try {
    await file.writeFile(
      `${JSON.stringify({ owner: owner.expose(), app: app.expose(), log: log.expose() }, null, 2)}\n`,
    );
    await file.sync();
  } finally {
    await file.close();
  }
}

export async function readCredentials(path: string): Promise<Credentials> {
  try {
    const parsed: unknown = JSON.parse(await readFile(path, "utf8"));
    const password = (login: Login): Secret<string> => {
      const value: unknown = (parsed as Record<string, unknown>)[login];
      if (typeof value !== "string" || value === "") throw new TypeError("a password is missing");
      return new Secret(value);
    };
    return { owner: password("owner"), app: password("app"), log: password("log") };
  } catch {
    // The cause is left out on purpose: a parser's message quotes what it read.
    throw new StartRefused(`the database passwords in ${path} cannot be read: restore the file from a backup`);
  }
}
