-- Principals that are no persons, and what they prove themselves by. The row of a principal stays when its service account is
-- deleted, so that its id is never another's and the trail keeps its name.
create table service_account (
  principal_id uuid primary key references principal (id),
  display_name text not null check (char_length(display_name) between 1 and 128),
  created_at timestamptz not null,
  created_by uuid not null references principal (id),
  updated_at timestamptz not null
);

create table api_key (
  id uuid primary key,
  principal_id uuid not null references service_account (principal_id),
  -- Keyed hash of the text; the text is nowhere.
  token_hash bytea not null constraint api_key_once unique,
  hash_version integer not null,
  -- Its first letters, by which whoever keeps it recognises it.
  prefix text not null check (char_length(prefix) <= 16),
  display_name text not null check (char_length(display_name) between 1 and 128),
  scopes text[] not null check (cardinality(scopes) between 1 and 100),
  created_at timestamptz not null,
  created_by uuid not null references principal (id),
  expires_at timestamptz,
  revoked_at timestamptz,
  -- The key that replaces it. A key is replaced once.
  successor_id uuid,
  -- To about a minute, and never needed.
  last_used_at timestamptz
);

create index api_key_of_account on api_key (principal_id, id);

create table workload_binding (
  id uuid primary key,
  principal_id uuid not null references service_account (principal_id),
  kind text not null check (kind in ('spiffe', 'dns', 'kubernetes')),
  -- Of Kubernetes alone; empty for certificates, whose issuers are the authorities that the doors trust.
  issuer text collate "C" not null check (char_length(issuer) <= 512 and (issuer = '') = (kind <> 'kubernetes')),
  -- A SPIFFE id, a DNS name in lower case, or `system:serviceaccount:namespace:name`.
  subject text collate "C" not null check (char_length(subject) between 1 and 2048),
  scopes text[] not null check (cardinality(scopes) between 1 and 100),
  created_at timestamptz not null,
  created_by uuid not null references principal (id),
  last_used_at timestamptz,
  -- A workload is one service account.
  constraint workload_binding_once unique (kind, issuer, subject)
);

create index workload_binding_of_account on workload_binding (principal_id, id);

grant select, insert, delete on service_account, api_key, workload_binding to gatehouse_app;
grant update (display_name, updated_at) on service_account to gatehouse_app;
grant update (expires_at, revoked_at, successor_id, last_used_at) on api_key to gatehouse_app;
grant update (last_used_at) on workload_binding to gatehouse_app;
