// SQL of persons: found by the blind index of the login name, stored with everything personal sealed.
import type { Reader, Statement, Transaction } from "../../kernel/database.ts";
import type { StoredPassword } from "../password/passwords.ts";

export interface Credential extends StoredPassword {
  readonly active: boolean;
  /** Read together with the password: while it stands, the password was not changed. */
  readonly generation: number;
}

interface CredentialRow {
  readonly [column: string]: unknown;
  readonly principal_id: string;
  readonly password: Buffer;
  readonly pepper_version: number;
  readonly state: string;
  readonly generation: number;
}

const credentialStatement: Statement = {
  name: "auth.credential",
  text: `
    select n.principal_id, n.password, n.pepper_version, p.state, p.generation
    from person n join principal p on p.id = n.principal_id
    where n.login_name_index = any($1::bytea[])`,
};

function credentialIn(row: CredentialRow): Credential {
  return {
    principalId: row.principal_id,
    sealed: row.password,
    pepperVersion: row.pepper_version,
    active: row.state === "active",
    generation: row.generation,
  };
}

/** `indexes` are the blind index of the login name under every key version that may have stored it. */
export async function findCredential(reader: Reader, indexes: readonly Buffer[]): Promise<Credential | undefined> {
  const [row] = await reader.rows<CredentialRow>(credentialStatement, [indexes]);
  return row && credentialIn(row);
}

export interface OwnCredential extends Credential {
  /** Sealed under the key of the person. */
  readonly profile: Buffer;
}

const ownCredentialStatement: Statement = {
  name: "auth.own_credential",
  text: `
    select n.principal_id, n.password, n.pepper_version, n.profile, p.state, p.generation
    from person n join principal p on p.id = n.principal_id
    where n.principal_id = $1`,
};

/** Undefined = no such person. */
export async function findOwnCredential(reader: Reader, principalId: string): Promise<OwnCredential | undefined> {
  const [row] = await reader.rows<CredentialRow & { readonly profile: Buffer }>(ownCredentialStatement, [principalId]);
  return row && { ...credentialIn(row), profile: row.profile };
}

const changeStatement: Statement = {
  name: "auth.change_password",
  text: "update person set password = $2, pepper_version = $3, password_changed_at = $4 where principal_id = $1",
};

/** In the transaction that raises the generation of the person, by which whoever read the old one knows. */
export async function changePassword(tx: Transaction, made: StoredPassword, now: Date): Promise<void> {
  await tx.rows(changeStatement, [made.principalId, made.sealed, made.pepperVersion, now.toISOString()]);
}

const replaceStatement: Statement = {
  name: "auth.replace_password_form",
  text: "update person set password = $2, pepper_version = $3 where principal_id = $1 and password = $4",
};

/** The same password in a newer form; without effect when the password was changed meanwhile. */
export async function replacePasswordForm(
  tx: Transaction,
  old: StoredPassword,
  renewed: StoredPassword,
): Promise<void> {
  await tx.rows(replaceStatement, [old.principalId, renewed.sealed, renewed.pepperVersion, old.sealed]);
}

export interface NewPerson {
  readonly id: string;
  readonly loginNameIndex: { readonly value: Buffer; readonly version: number };
  readonly profile: Buffer;
  readonly password: StoredPassword;
  readonly now: Date;
}

const principalStatement: Statement = {
  name: "auth.insert_principal",
  text: "insert into principal (id, kind, state, generation, created_at) values ($1, 'person', 'active', 1, $2)",
};

const personStatement: Statement = {
  name: "auth.insert_person",
  text: `
    insert into person (
      principal_id, login_name_index, login_name_index_version, profile, password, pepper_version, password_changed_at
    ) values ($1, $2, $3, $4, $5, $6, $7)`,
};

/** Name of the constraint that holds when another person has the login name. */
export const loginNameOnce = "person_login_name_index_key";

/** Raises `loginNameOnce`. */
export async function insertPerson(tx: Transaction, person: NewPerson): Promise<void> {
  const { id, loginNameIndex, profile, password, now } = person;
  await tx.rows(principalStatement, [id, now.toISOString()]);
  const index = [loginNameIndex.value, loginNameIndex.version];
  await tx.rows(personStatement, [id, ...index, profile, password.sealed, password.pepperVersion, now.toISOString()]);
}

export interface TokenRow {
  readonly hash: { readonly value: Buffer; readonly version: number };
  readonly now: Date;
  readonly expiresAt: Date;
}

const insertTokenStatement: Statement = {
  name: "auth.insert_bootstrap_token",
  text: "insert into bootstrap_token (token_hash, hash_version, created_at, expires_at) values ($1, $2, $3, $4)",
};

export async function insertBootstrapToken(tx: Transaction, { hash, now, expiresAt }: TokenRow): Promise<void> {
  await tx.rows(insertTokenStatement, [hash.value, hash.version, now.toISOString(), expiresAt.toISOString()]);
}

const endTokensStatement: Statement = {
  name: "auth.end_bootstrap_tokens",
  text: "update bootstrap_token set expires_at = $1 where used_at is null and expires_at > $1",
};

/** Every unused token dies. */
export async function endBootstrapTokens(tx: Transaction, now: Date): Promise<void> {
  await tx.rows(endTokensStatement, [now.toISOString()]);
}

const liveTokenStatement: Statement = {
  name: "auth.live_bootstrap_token",
  text: "select 1 as live from bootstrap_token where token_hash = any($1::bytea[]) and used_at is null and expires_at > $2",
};

export async function isLiveBootstrapToken(reader: Reader, hashes: readonly Buffer[], now: Date): Promise<boolean> {
  return (await reader.rows(liveTokenStatement, [hashes, now.toISOString()])).length === 1;
}

const useTokenStatement: Statement = {
  name: "auth.use_bootstrap_token",
  text: `
    update bootstrap_token set used_at = $2
    where token_hash = any($1::bytea[]) and used_at is null and expires_at > $2
    returning used_at`,
};

/** True for one caller alone, however many try at once. */
export async function takeBootstrapToken(tx: Transaction, hashes: readonly Buffer[], now: Date): Promise<boolean> {
  return (await tx.rows(useTokenStatement, [hashes, now.toISOString()])).length === 1;
}
