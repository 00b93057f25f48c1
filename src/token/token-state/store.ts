// The SQL of what ends an access token, for STRONG and for whoever may not rely on memory.
import type { Reader, Row, Statement } from "../../kernel/database.ts";
import type { AccessTokenClaims } from "../domain/claims.ts";
import type { Origin } from "../domain/delegation.ts";

const tokenStateStatement: Statement = {
  name: "token.access_state",
  text: `
    select ($1::uuid is not null
        and not exists (select from session where id = $1 and principal_id = $2 and ended_at is null))
      or exists (select from feed where kind = 'token' and key = any($3) and expires_at > $4)
      or exists (select from feed where kind = 'compromised_key' and key = any($5) and expires_at > $4)
      or exists (select from feed where kind = 'credential' and key = any($6) and expires_at > $4)
      or exists (select from session where id = any($9) and ended_at is not null)
      or exists (
        select from unnest($7::text[], $8::integer[]) as given (id, generation)
        where not exists (
          select from client where client.id = given.id and client.generation = given.generation and client.state = 'active'
        )
      ) as revoked`,
};

/**
 * Whether an access token was revoked, alone, with its session, with what it was issued for, or with a token that it was
 * exchanged for, as the database knows it.
 */
export async function readTokenState(
  reader: Reader,
  token: Pick<
    AccessTokenClaims,
    "sessionId" | "subject" | "tokenId" | "clientId" | "clientGeneration" | "credentialId" | "origins"
  >,
  kid: string,
  now: Date,
): Promise<{ readonly revoked: boolean }> {
  const all: readonly Origin[] = [
    {
      tokenId: token.tokenId,
      kid,
      clientId: token.clientId,
      clientGeneration: token.clientGeneration,
      credentialId: token.credentialId,
    },
    ...(token.origins ?? []),
  ];
  const clients = all.filter(({ clientGeneration }) => clientGeneration !== undefined);
  const [row] = await reader.rows<Row & { readonly revoked: boolean }>(tokenStateStatement, [
    token.sessionId ?? null,
    token.subject,
    all.map(({ tokenId }) => tokenId),
    now.toISOString(),
    all.map((origin) => origin.kid),
    all.flatMap(({ credentialId }) => credentialId ?? []),
    clients.map(({ clientId }) => clientId),
    clients.map(({ clientGeneration }) => clientGeneration),
    token.origins?.flatMap(({ sessionId }) => sessionId ?? []) ?? [],
  ]);
  return { revoked: row?.revoked ?? true };
}
