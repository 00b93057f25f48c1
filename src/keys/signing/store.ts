// The SQL of signing keys.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { HomeSigningKey, Jwk, SigningKeyFacts, SigningKeyHome } from "../ports.ts";

export interface SigningKeyRow extends SigningKeyFacts {
  /** Undefined once destroyed. */
  readonly handle: string | undefined;
  readonly jwk: Jwk;
}

interface SigningKeyColumns extends Row {
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  readonly number: number;
  readonly home: SigningKeyHome["name"];
  readonly handle: string | null;
  readonly public_jwk: Jwk;
  readonly created_at: Date;
  readonly activates_at: Date;
  readonly deactivates_at: Date | null;
  readonly verifies_until: Date | null;
  readonly compromised_at: Date | null;
  readonly destroyed_at: Date | null;
}

function read(row: SigningKeyColumns): SigningKeyRow {
  const { kid, algorithm, number, home } = row;
  return {
    kid,
    algorithm,
    number,
    home,
    handle: row.handle ?? undefined,
    jwk: row.public_jwk,
    createdAt: row.created_at,
    activatesAt: row.activates_at,
    deactivatesAt: row.deactivates_at ?? undefined,
    verifiesUntil: row.verifies_until ?? undefined,
    compromisedAt: row.compromised_at ?? undefined,
    destroyedAt: row.destroyed_at ?? undefined,
  };
}

const columns =
  "kid, algorithm, number, home, handle, public_jwk, created_at, activates_at, deactivates_at, verifies_until, compromised_at, destroyed_at";

const loadStatement: Statement = {
  name: "keys.signing_keys",
  text: `select ${columns} from signing_key where destroyed_at is null order by algorithm, number desc`,
};

/** All that are not destroyed: a handful. Errors: DATABASE_UNAVAILABLE. */
export async function loadSigningKeys(reader: Reader): Promise<readonly SigningKeyRow[]> {
  return (await reader.rows<SigningKeyColumns>(loadStatement, [])).map(read);
}

const findStatement: Statement = {
  name: "keys.signing_key",
  text: `select ${columns} from signing_key where kid = $1`,
};

export async function findSigningKey(reader: Reader, kid: string): Promise<SigningKeyRow | undefined> {
  const [row] = await reader.rows<SigningKeyColumns>(findStatement, [kid]);
  return row && read(row);
}

const listStatement: Statement = {
  name: "keys.signing_key_page",
  text: `
    select ${columns} from signing_key
    where $1::text is null or algorithm > $1 or (algorithm = $1 and number < $2::integer)
    order by algorithm, number desc limit $3`,
};

export async function listSigningKeys(
  reader: Reader,
  after: { readonly algorithm: string; readonly number: number } | undefined,
  limit: number,
): Promise<readonly SigningKeyRow[]> {
  const rows = await reader.rows<SigningKeyColumns>(listStatement, [
    after?.algorithm ?? null,
    after?.number ?? null,
    limit,
  ]);
  return rows.map(read);
}

const lastNumberStatement: Statement = {
  name: "keys.last_signing_key_number",
  text: "select coalesce(max(number), 0) as number from signing_key where algorithm = $1",
};

/** 0 = there never was a key of the algorithm. */
export async function lastSigningKeyNumber(reader: Reader, algorithm: SignatureAlgorithm): Promise<number> {
  const [row] = await reader.rows<{ number: number }>(lastNumberStatement, [algorithm]);
  return row?.number ?? 0;
}

/** Arbitrary, but the same for every replica: the number of the lock that orders changes of signing keys. */
const changeOrderLock = 4_801_224;

const lockStatement: Statement = { name: "keys.lock_signing_keys", text: "select pg_advisory_xact_lock($1)" };

/** First in every transaction that changes signing keys, so that each sees what those before it did. */
export async function lockSigningKeys(tx: Transaction): Promise<void> {
  await tx.rows(lockStatement, [changeOrderLock]);
}

export interface NewSigningKey {
  readonly kid: string;
  readonly number: number;
  readonly home: SigningKeyHome["name"];
  readonly made: HomeSigningKey;
  readonly createdAt: Date;
  readonly activatesAt: Date;
}

const insertStatement: Statement = {
  name: "keys.insert_signing_key",
  text: `
    insert into signing_key (kid, algorithm, number, home, handle, public_jwk, created_at, activates_at)
    values ($1, $2, $3, $4, $5, $6, $7, $8)
    returning ${columns}`,
};

export async function insertSigningKey(tx: Transaction, key: NewSigningKey): Promise<SigningKeyRow> {
  const { kid, number, home, made, createdAt, activatesAt } = key;
  const [row] = await tx.rows<SigningKeyColumns>(insertStatement, [
    kid,
    made.algorithm,
    number,
    home,
    made.handle,
    JSON.stringify(made.jwk),
    createdAt.toISOString(),
    activatesAt.toISOString(),
  ]);
  if (row === undefined) throw new Error("the database stored a key and does not show it");
  return read(row);
}

const scheduleStatement: Statement = {
  name: "keys.schedule_signing_key",
  text: "update signing_key set activates_at = $2, deactivates_at = $3, verifies_until = $4 where kid = $1",
};

/** When it begins and stops to sign; a compromised or destroyed key is never given another time. */
export async function scheduleSigningKey(
  tx: Transaction,
  {
    kid,
    activatesAt,
    deactivatesAt,
    verifiesUntil,
  }: Omit<SigningKeyFacts, "algorithm" | "number" | "home" | "createdAt">,
): Promise<void> {
  const until = [deactivatesAt?.toISOString() ?? null, verifiesUntil?.toISOString() ?? null];
  await tx.rows(scheduleStatement, [kid, activatesAt.toISOString(), ...until]);
}

const compromiseStatement: Statement = {
  name: "keys.compromise_signing_key",
  text: `
    update signing_key
    set compromised_at = $2, deactivates_at = least(deactivates_at, $2::timestamptz), verifies_until = $2
    where kid = $1 and compromised_at is null and destroyed_at is null
    returning ${columns}`,
};

/** Undefined = it was compromised or destroyed already. */
export async function compromiseSigningKey(
  tx: Transaction,
  kid: string,
  now: Date,
): Promise<SigningKeyRow | undefined> {
  const [row] = await tx.rows<SigningKeyColumns>(compromiseStatement, [kid, now.toISOString()]);
  return row && read(row);
}

const destroyStatement: Statement = {
  name: "keys.destroy_signing_key",
  text: `
    update signing_key set destroyed_at = $2, handle = null
    where kid = $1 and destroyed_at is null and verifies_until <= $2
    returning kid`,
};

/** False = another replica was first, or a live token may rest on it. */
export async function destroySigningKey(tx: Transaction, kid: string, now: Date): Promise<boolean> {
  return (await tx.rows(destroyStatement, [kid, now.toISOString()])).length === 1;
}
