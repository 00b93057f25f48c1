// The SQL of secrets. Readers ask for what they show; every writer is one statement that changes all or nothing.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { SealedValue } from "../../kernel/sealing.ts";
import type { PathSpan } from "../domain/path-spans.ts";
import type { VersionFacts } from "../domain/version-state.ts";

interface FactsRow extends Row {
  readonly version: number;
  readonly created_at: Date;
  readonly created_by: string;
  readonly expires_at: Date | null;
  readonly deleted_at: Date | null;
  readonly destroyed_at: Date | null;
}

interface SealedRow extends FactsRow {
  readonly asked: number;
  readonly known: boolean;
  readonly sealed: Buffer | null;
  readonly wrapped_key: Buffer | null;
  readonly kek_id: string | null;
  readonly kek_version: number | null;
}

export interface SecretRow extends Row {
  readonly path: string;
  readonly current_version: number;
  readonly created_at: Date;
  readonly updated_at: Date;
}

export interface VersionKey {
  readonly path: string;
  /** 0 = the newest. */
  readonly version: number;
}

export interface StoredVersion {
  readonly facts: VersionFacts;
  /** Null once destroyed. */
  readonly value: SealedValue | null;
}

export interface NewVersion {
  readonly path: string;
  readonly version: number;
  readonly value: SealedValue;
  readonly createdAt: Date;
  readonly createdBy: string;
  readonly expiresAt: Date | null;
}

const facts = "version, created_at, created_by, expires_at, deleted_at, destroyed_at";
const versionFacts = facts.replaceAll(/\w+/g, "secret_version.$&");

// One row for each that was asked, in any number at once: a read costs a round trip, and most of that is not the read.
const readVersions: Statement = {
  name: "secrets.read_versions",
  text: `
    select asked.number::integer as asked, secret_version.version is not null as known,
      ${versionFacts},
      secret_version.sealed, secret_version.wrapped_key, secret_version.kek_id, secret_version.kek_version
    from unnest($1::text[], $2::integer[]) with ordinality as asked (path, version, number)
    left join secret on secret.path = asked.path
    left join secret_version on secret_version.secret_id = secret.id
      and secret_version.version = case asked.version when 0 then secret.current_version else asked.version end`,
};

const currentVersion: Statement = {
  name: "secrets.current_version",
  text: "select current_version from secret where path = $1",
};

// Where another has put a version meanwhile, or made the path, the condition fails and no row comes back.
const createSecret: Statement = {
  name: "secrets.create",
  text: `
    with made as (
      insert into secret (id, path, current_version, created_at, updated_at) values ($1::uuid, $2::text, 1, $3::timestamptz, $3::timestamptz)
      on conflict (path) do nothing returning id)
    insert into secret_version
      (secret_id, version, sealed, wrapped_key, kek_id, kek_version, created_at, created_by, expires_at)
    select id, 1, $4::bytea, $5::bytea, $6::text, $7::integer, $3::timestamptz, $8::uuid, $9::timestamptz from made
    returning version`,
};

const addVersion: Statement = {
  name: "secrets.add_version",
  text: `
    with moved as (
      update secret set current_version = $2::integer, updated_at = $3::timestamptz
      where path = $1 and current_version = $2::integer - 1 returning id)
    insert into secret_version
      (secret_id, version, sealed, wrapped_key, kek_id, kek_version, created_at, created_by, expires_at)
    select id, $2::integer, $4::bytea, $5::bytea, $6::text, $7::integer, $3::timestamptz, $8::uuid, $9::timestamptz from moved
    returning version`,
};

const listSecrets: Statement = {
  name: "secrets.list",
  text: `
    select found.path, found.current_version, found.created_at, found.updated_at
    from unnest($1::text[], $2::text[]) as shown (low, high)
    cross join lateral (
      select path, current_version, created_at, updated_at from secret
      where path >= shown.low and path < shown.high and path > $3::text
        and not exists (
          select from unnest($4::text[], $5::text[]) as hidden (low, high)
          where secret.path >= hidden.low and secret.path < hidden.high)
      order by path limit $6::integer) as found
    order by found.path limit $6::integer`,
};

// A row without version says that the path is there and the page empty.
const listVersions: Statement = {
  name: "secrets.list_versions",
  text: `
    select ${versionFacts}
    from secret
    left join lateral (
      select ${facts} from secret_version
      where secret_id = secret.id and ($2::integer is null or version < $2::integer)
      order by version desc limit $3::integer) as secret_version on true
    where secret.path = $1
    order by secret_version.version desc`,
};

function changeVersions(name: string, set: string, where: string): Statement {
  return {
    name,
    text: `
      update secret_version set ${set} from secret
      where secret.path = $1 and secret_version.secret_id = secret.id and secret_version.version = any($2::integer[]) ${where}
      returning ${versionFacts}`,
  };
}

const notDestroyed = "and secret_version.destroyed_at is null";

const changes = {
  delete: changeVersions("secrets.delete", "deleted_at = coalesce(deleted_at, $3::timestamptz)", notDestroyed),
  undelete: changeVersions("secrets.undelete", "deleted_at = null", notDestroyed),
  destroy: changeVersions(
    "secrets.destroy",
    `destroyed_at = coalesce(destroyed_at, $3::timestamptz), sealed = null, wrapped_key = null, kek_id = null, kek_version = null`,
    "",
  ),
} as const;

const countVersions: Statement = {
  name: "secrets.count_versions",
  text: `
    select count(*)::integer as known from secret join secret_version on secret_version.secret_id = secret.id
    where secret.path = $1 and secret_version.version = any($2::integer[])`,
};

function factsOf(row: FactsRow): VersionFacts {
  return {
    version: row.version,
    createdAt: row.created_at,
    createdBy: row.created_by,
    expiresAt: row.expires_at,
    deletedAt: row.deleted_at,
    destroyedAt: row.destroyed_at,
  };
}

function sealedValueOf({ sealed, wrapped_key, kek_id, kek_version }: SealedRow): SealedValue | null {
  if (sealed === null || wrapped_key === null || kek_id === null || kek_version === null) return null;
  return { sealed, wrappedKey: wrapped_key, kekId: kek_id, kekVersion: kek_version };
}

/** In the order asked; undefined where there is no such path or version. */
export async function selectVersions(
  reader: Reader,
  asked: readonly VersionKey[],
): Promise<readonly (StoredVersion | undefined)[]> {
  const parameters = [asked.map(({ path }) => path), asked.map(({ version }) => version)];
  const found = new Array<StoredVersion | undefined>(asked.length).fill(undefined);
  for (const row of await reader.rows<SealedRow>(readVersions, parameters)) {
    if (row.known) found[row.asked - 1] = { facts: factsOf(row), value: sealedValueOf(row) };
  }
  return found;
}

/** 0 = there is no such path. */
export async function selectCurrentVersion(reader: Reader, path: string): Promise<number> {
  const [row] = await reader.rows<{ readonly current_version: number }>(currentVersion, [path]);
  return row?.current_version ?? 0;
}

/** False when the version before it is not the newest any more; nothing was stored then. */
export async function insertVersion(tx: Transaction, id: string, added: NewVersion): Promise<boolean> {
  const { path, version, value, createdAt, createdBy, expiresAt } = added;
  const content = [value.sealed, value.wrappedKey, value.kekId, value.kekVersion, createdBy, expiresAt];
  const rows =
    version === 1
      ? await tx.rows(createSecret, [id, path, createdAt, ...content])
      : await tx.rows(addVersion, [path, version, createdAt, ...content]);
  return rows.length === 1;
}

export function selectSecrets(
  reader: Reader,
  shown: readonly PathSpan[],
  hidden: readonly PathSpan[],
  after: string,
  limit: number,
): Promise<SecretRow[]> {
  const ends = (spans: readonly PathSpan[]) => [spans.map(({ low }) => low), spans.map(({ high }) => high)] as const;
  return reader.rows<SecretRow>(listSecrets, [...ends(shown), after, ...ends(hidden), limit]);
}

/** Newest first; undefined when there is no such path. */
export async function selectVersionPage(
  reader: Reader,
  path: string,
  before: number | undefined,
  limit: number,
): Promise<readonly VersionFacts[] | undefined> {
  const rows = await reader.rows<FactsRow & { readonly version: number | null }>(listVersions, [
    path,
    before ?? null,
    limit,
  ]);
  if (rows.length === 0) return undefined;
  return rows.filter((row) => row.version !== null).map(factsOf);
}

export type VersionChange = keyof typeof changes;

/** Versions as they are now, oldest first; those that the change does not apply to are left out. */
export async function updateVersions(
  tx: Transaction,
  change: VersionChange,
  path: string,
  versions: readonly number[],
  now: Date,
): Promise<readonly VersionFacts[]> {
  const parameters = change === "undelete" ? [path, versions] : [path, versions, now];
  const rows = await tx.rows<FactsRow>(changes[change], parameters);
  return rows.map(factsOf).toSorted((one, other) => one.version - other.version);
}

export async function countKnownVersions(tx: Transaction, path: string, versions: readonly number[]): Promise<number> {
  const [row] = await tx.rows<{ readonly known: number }>(countVersions, [path, versions]);
  return row?.known ?? 0;
}
