// The SQL of what ends access tokens, for STRONG and for whoever may not rely on memory. One statement, however many tokens are asked
// about; their claims come as columns, each value with the position of its token.
import type { Reader, Row, Statement } from "../../kernel/database.ts";
import type { AccessTokenClaims } from "../domain/claims.ts";
import type { Origin } from "../domain/delegation.ts";
import type { VerifiedToken } from "../verifier.ts";

type Asked = Pick<VerifiedToken, "kid"> & {
  readonly claims: Pick<
    AccessTokenClaims,
    | "sessionId"
    | "subject"
    | "tokenId"
    | "clientId"
    | "clientGeneration"
    | "credentialId"
    | "since"
    | "origins"
    | "hands"
    | "generation"
  >;
};

const tokenStateStatement: Statement = {
  name: "token.access_state",
  text: `
    select array(
      select own.position
      from unnest($2::integer[], $3::uuid[], $4::uuid[]) as own (position, id, principal_id)
      where not exists (
        select from session as s where s.id = own.id and s.principal_id = own.principal_id and s.ended_at is null
      )
      union
      select other.position
      from unnest($5::integer[], $6::uuid[]) as other (position, id)
      join session as s on s.id = other.id
      where s.ended_at is not null
      union
      select held.position
      from unnest($16::integer[], $17::uuid[], $18::bigint[]) as held (position, id, generation)
      where not exists (
        select from principal as p where p.id = held.id and p.generation = held.generation and p.state = 'active'
      )
      union
      select given.position
      from unnest($7::integer[], $8::text[], $9::integer[]) as given (position, id, generation)
      where not exists (
        select from client as c where c.id = given.id and c.generation = given.generation and c.state = 'active'
      )
      union
      select used.position
      from unnest($10::integer[], $11::uuid[]) as used (position, id)
      join api_key as k on k.id = used.id
      where k.expires_at <= $1 or k.revoked_at is not null
      union
      select told.position
      from unnest($12::integer[], $13::text[], $14::text[], $15::timestamptz[]) as told (position, kind, key, since)
      join feed as f on f.kind = told.kind and f.key = told.key
      where f.expires_at > greatest($1, told.since)
    ) as dead`,
};

/** One thing that can have been announced as dead; `since` = unless it was at this instant or before. */
interface Announceable {
  readonly position: number;
  readonly kind: "token" | "compromised_key" | "credential" | "subject_client";
  readonly key: string;
  readonly since?: number | undefined;
}

interface Part extends Omit<Origin, "subject"> {
  readonly position: number;
  readonly subject: string;
}

/** The token itself, and each one that it was exchanged for. */
function partsOf({ claims, kid }: Asked, position: number): readonly Part[] {
  const { tokenId, clientId, clientGeneration, credentialId, since, subject, origins = [] } = claims;
  const own = { position, tokenId, kid, clientId, clientGeneration, credentialId, since, subject };
  return [own, ...origins.map((origin) => ({ ...origin, position, subject: origin.subject ?? subject }))];
}

function announceable(part: Part): readonly Announceable[] {
  const { position, tokenId, kid, credentialId, subject, clientId, since } = part;
  return [
    { position, kind: "token", key: tokenId },
    { position, kind: "compromised_key", key: kid },
    { position, kind: "subject_client", key: `${subject}:${clientId}`, since },
    ...(credentialId === undefined ? [] : [{ position, kind: "credential" as const, key: credentialId }]),
  ];
}

/** The claims as the parameters of the statement. */
function parametersOf(tokens: readonly Asked[], now: Date): readonly unknown[] {
  const own = tokens.map(({ claims }, position) => ({ ...claims, position }));
  const withSession = own.filter(({ sessionId }) => sessionId !== undefined);
  const parts = tokens.flatMap(partsOf);
  const others = parts.filter(({ sessionId }) => sessionId !== undefined);
  const clients = parts.filter(({ clientGeneration }) => clientGeneration !== undefined);
  const credentials = parts.filter(({ credentialId }) => credentialId !== undefined);
  const told = parts.flatMap(announceable);
  const hands = own.flatMap(({ position, subject, generation, hands: others = [] }) =>
    [{ subject, generation }, ...others].map((one) => ({ ...one, position })),
  );
  const instant = (since: number | undefined) => (since === undefined ? null : new Date(since).toISOString());
  return [
    now.toISOString(),
    withSession.map(({ position }) => position),
    withSession.map(({ sessionId }) => sessionId),
    withSession.map(({ subject }) => subject),
    others.map(({ position }) => position),
    others.map(({ sessionId }) => sessionId),
    clients.map(({ position }) => position),
    clients.map(({ clientId }) => clientId),
    clients.map(({ clientGeneration }) => clientGeneration),
    credentials.map(({ position }) => position),
    credentials.map(({ credentialId }) => credentialId),
    told.map(({ position }) => position),
    told.map(({ kind }) => kind),
    told.map(({ key }) => key),
    told.map(({ since }) => instant(since)),
    hands.map(({ position }) => position),
    hands.map(({ subject }) => subject),
    hands.map(({ generation }) => generation),
  ];
}

/**
 * For each token, whether it was revoked, alone, with its session, with what it was issued for, or with a token that it was
 * exchanged for, as the database knows it.
 */
export async function readTokenStates(
  reader: Reader,
  tokens: readonly Asked[],
  now: Date,
): Promise<readonly { readonly revoked: boolean }[]> {
  const parameters = parametersOf(tokens, now);
  const [row] = await reader.rows<Row & { readonly dead: readonly number[] }>(tokenStateStatement, parameters);
  return tokens.map((_, position) => ({ revoked: row?.dead.includes(position) ?? true }));
}
