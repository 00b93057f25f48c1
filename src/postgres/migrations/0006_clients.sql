-- Applications, and what may be handed out through them. The client `gatehouse` is built in and has no row.
create table client (
  id text collate "C" primary key check (id ~ '^[a-z][a-z0-9-]{1,62}$' and id <> 'gatehouse'),
  -- Raised when everything that was handed out through the client dies at once.
  generation integer not null default 1 check (generation >= 1),
  -- A deleted one stays, so that its id, which old records name, never means another.
  state text not null check (state in ('active', 'disabled', 'deleted')),
  confidential boolean not null,
  display_name text not null,
  logins boolean not null,
  exchange boolean not null,
  -- The service account that it acts as.
  principal_id uuid references principal (id),
  audiences text[] not null check (cardinality(audiences) between 1 and 16),
  scopes text[] not null check (cardinality(scopes) between 1 and 64),
  -- Null where the installation's setting counts.
  access_token_lifetime_ms bigint check (access_token_lifetime_ms > 0),
  refresh_token_lifetime_ms bigint check (refresh_token_lifetime_ms > 0),
  algorithm text check (algorithm in ('ES256', 'EdDSA', 'RS256', 'PS256')),
  refresh_rotation text not null check (refresh_rotation in ('rotate', 'off')),
  sender_constraint text not null check (sender_constraint in ('none', 'dpop', 'mtls')),
  -- Public JWK that access tokens are encrypted to.
  encryption_key jsonb check (octet_length(encryption_key::text) <= 4096),
  display_name_claim boolean not null,
  created_at timestamptz not null,
  updated_at timestamptz not null,
  -- What nobody can keep a secret for, has nothing that needs one.
  constraint client_public check (confidential or (principal_id is null and not exchange and refresh_rotation = 'rotate'))
);

create table client_secret (
  id uuid primary key,
  client_id text collate "C" not null references client (id),
  -- Keyed hash over client id and secret.
  secret_hash bytea not null,
  hash_version integer not null,
  -- The first characters.
  hint text not null check (char_length(hint) <= 16),
  created_at timestamptz not null,
  created_by uuid not null,
  expires_at timestamptz,
  -- To about a minute, and never needed.
  last_used_at timestamptz
);

create index client_secret_of_client on client_secret (client_id, id);

-- Sessions of a client end with its generation; null = of the built-in client.
alter table session add column client_generation integer check (client_generation >= 1);

grant select,
  insert,
  update (generation, state, display_name, logins, exchange, principal_id, audiences, scopes, access_token_lifetime_ms,
    refresh_token_lifetime_ms, algorithm, refresh_rotation, sender_constraint, encryption_key, display_name_claim, updated_at)
  on client to gatehouse_app;
grant select, insert, update (expires_at, last_used_at), delete on client_secret to gatehouse_app;
