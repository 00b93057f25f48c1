// The wrapped data keys of secret versions, for moving them to another home of keys.
import type { Reader, Row, Statement, Transaction } from "../../kernel/database.ts";
import type { WrappedKey, WrappedRow, WrappedValueRows } from "../../keys/ports.ts";
import { bindingOf } from "../secrets/version-message.ts";

interface Columns extends Row {
  readonly secret_id: string;
  readonly version: number;
  readonly path: string;
  readonly wrapped_key: Buffer;
  readonly kek_id: string;
  readonly kek_version: number;
}

const pageSize = 256;
const beforeAll = { secret_id: "00000000-0000-0000-0000-000000000000", version: 0 };

const pageStatement: Statement = {
  name: "secrets.move_page",
  text: `
    select secret_version.secret_id, secret_version.version, secret.path,
      secret_version.wrapped_key, secret_version.kek_id, secret_version.kek_version
    from secret_version join secret on secret.id = secret_version.secret_id
    where (secret_version.secret_id, secret_version.version) > ($1::uuid, $2::integer)
      and secret_version.wrapped_key is not null and starts_with(secret_version.kek_id, $3)
    order by secret_version.secret_id, secret_version.version limit $4`,
};

// Only what is still as it was read: a version that was destroyed meanwhile stays destroyed.
const replaceStatement: Statement = {
  name: "secrets.move_keys",
  text: `
    update secret_version set wrapped_key = moved.wrapped, kek_id = moved.kek_id, kek_version = moved.kek_version
    from unnest($1::uuid[], $2::integer[], $3::bytea[], $4::bytea[], $5::text[], $6::integer[])
      as moved (secret_id, version, former, wrapped, kek_id, kek_version)
    where secret_version.secret_id = moved.secret_id and secret_version.version = moved.version
      and secret_version.wrapped_key = moved.former`,
};

async function replace(
  tx: Transaction,
  rows: readonly Pick<WrappedRow, "at" | "wrapped">[],
  keys: readonly WrappedKey[],
): Promise<void> {
  await tx.rows(replaceStatement, [
    rows.map(({ at }) => at[0]),
    rows.map(({ at }) => at[1]),
    rows.map(({ wrapped }) => wrapped.ciphertext),
    keys.map(({ ciphertext }) => ciphertext),
    keys.map(({ kekId }) => kekId),
    keys.map(({ kekVersion }) => kekVersion),
  ]);
}

export function wrappedSecretKeys(reader: Reader): WrappedValueRows {
  return {
    name: "secret_version",
    async *pages(home) {
      for (let last: Pick<Columns, "secret_id" | "version"> | undefined = beforeAll; last !== undefined; ) {
        const parameters = [last.secret_id, last.version, home, pageSize];
        const page: Columns[] = await reader.rows<Columns>(pageStatement, parameters);
        last = page.at(-1);
        const rows = page.map(({ secret_id, version, path, wrapped_key, kek_id, kek_version }) => ({
          at: [secret_id, version],
          binding: bindingOf(path, version),
          wrapped: { kekId: kek_id, kekVersion: kek_version, ciphertext: wrapped_key },
        }));
        if (rows.length > 0) yield rows;
      }
    },
    replace,
  };
}
