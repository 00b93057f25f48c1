// SQL of clients as calls ask for them: each with its secrets.
import type { Reader, Statement } from "../../kernel/database.ts";
import { type ClientRow, clientOf, type StoredClient } from "../client/store.ts";
import { type SecretRow, type StoredSecret, secretOf } from "../client-secret/store.ts";

/** A client as calls ask for it. */
export interface KnownClient {
  readonly client: StoredClient;
  readonly secrets: readonly StoredSecret[];
}

type JoinedRow = ClientRow & Partial<SecretRow>;

const joined = `
    select c.id, c.generation, c.state, c.confidential, c.display_name, c.logins, c.exchange, c.principal_id, c.audiences,
      c.scopes, c.access_token_lifetime_ms, c.refresh_token_lifetime_ms, c.algorithm, c.refresh_rotation,
      c.sender_constraint, c.encryption_key, c.display_name_claim, c.created_at, c.updated_at,
      s.id as secret_id, s.client_id, s.secret_hash, s.hash_version, s.hint, s.created_at as secret_created_at, s.expires_at,
      s.last_used_at
    from client as c left join client_secret as s on s.client_id = c.id
    where c.state <> 'deleted'`;

const knownStatement: Statement = { name: "auth.known_client", text: `${joined} and c.id = $1 order by s.id` };
const allKnownStatement: Statement = { name: "auth.known_clients", text: `${joined} order by c.id, s.id` };

function knownOf(rows: readonly JoinedRow[]): ReadonlyMap<string, KnownClient> {
  const byId = Map.groupBy(rows, ({ id }) => id);
  return new Map(
    [...byId].flatMap(([id, [first, ...more]]) => {
      if (first === undefined) return [];
      const withSecret = [first, ...more].filter(
        (row): row is ClientRow & SecretRow => row.secret_hash instanceof Buffer,
      );
      return [[id, { client: clientOf(first), secrets: withSecret.map(secretOf) }] as const];
    }),
  );
}

export async function readKnownClient(reader: Reader, id: string): Promise<KnownClient | undefined> {
  return knownOf(await reader.rows<JoinedRow>(knownStatement, [id])).get(id);
}

/** All of them; there are not many. */
export async function readKnownClients(reader: Reader): Promise<ReadonlyMap<string, KnownClient>> {
  return knownOf(await reader.rows<JoinedRow>(allKnownStatement, []));
}
