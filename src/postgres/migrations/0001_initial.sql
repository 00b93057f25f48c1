-- The first schema. Every instant is a parameter of the statement that stores it; nothing here reads a clock.

-- One row: which installation this database belongs to. Its id is bound into every sealed value.
create table installation (
  only_row boolean primary key default true check (only_row),
  id uuid not null,
  created_at timestamptz not null
);

-- Data keys of the purposes that the process holds in memory (token hashes, blind indexes, page tokens, ...), wrapped by the key home.
create table data_key (
  purpose text not null,
  version integer not null check (version >= 1),
  wrapped bytea not null,
  kek_id text not null,
  kek_version integer not null,
  state text not null check (state in ('active', 'deactivated', 'destroyed')),
  created_at timestamptz not null,
  primary key (purpose, version)
);

-- Data keys of subjects: personal data opens with them alone, so that erasing the key erases the data.
-- `subject` is a principal's UUID, or `unattributed-YYYY-MM` for what belongs to nobody known.
create table subject_key (
  subject text primary key,
  wrapped bytea,
  kek_id text not null,
  kek_version integer not null,
  created_at timestamptz not null,
  erased_at timestamptz,
  check ((wrapped is null) = (erased_at is not null))
);

create table principal (
  id uuid primary key,
  kind text not null check (kind in ('person', 'service_account')),
  state text not null check (state in ('active', 'disabled')),
  generation integer not null default 1 check (generation >= 1),
  created_at timestamptz not null
);

create table person (
  principal_id uuid primary key references principal (id),
  -- Keyed blind index of the normalised login name; the name itself is in `profile`.
  login_name_index bytea not null unique,
  login_name_index_version integer not null,
  -- Login name and display name, sealed under the subject's key.
  profile bytea not null,
  -- PHC string, sealed under the pepper key and bound to the principal.
  password bytea not null,
  pepper_version integer not null,
  password_changed_at timestamptz not null
);

create table role (
  name text primary key,
  permissions text[] not null,
  builtin boolean not null
);

insert into role (name, permissions, builtin) values
  ('admin', '{*}', true),
  ('editor', '{secrets.read,secrets.list,secrets.write,secrets.delete,secrets.destroy,audit.append}', true),
  ('viewer', '{secrets.read,secrets.list}', true),
  ('auditor', '{audit.read}', true),
  ('introspector', '{token.introspect,token.introspect.reason}', true);

create table access_grant (
  id uuid primary key,
  principal_id uuid not null references principal (id),
  role text not null references role (name),
  -- Canonical prefix; the empty text is everything.
  resource text collate "C" not null,
  effect text not null check (effect in ('allow', 'deny')),
  expires_at timestamptz,
  created_at timestamptz not null,
  -- Null for ownership that the server wrote itself.
  created_by uuid references principal (id),
  constraint access_grant_once unique (principal_id, role, resource, effect)
);

create table bootstrap_token (
  token_hash bytea primary key,
  hash_version integer not null,
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz
);

create table invitation (
  id uuid primary key,
  token_hash bytea not null unique,
  hash_version integer not null,
  created_by uuid not null references principal (id),
  created_at timestamptz not null,
  expires_at timestamptz not null,
  used_at timestamptz,
  used_by uuid references principal (id)
);

-- A session is one device of a person, and its refresh token family: the token of number n is derived from
-- (family id, n) under a key that is not in this database.
create table session (
  id uuid primary key,
  principal_id uuid not null references principal (id),
  principal_generation integer not null,
  client_id text not null,
  audience text not null,
  scopes text[] not null,
  authentication_methods text[] not null,
  authentication_context text not null,
  authenticated_at timestamptz not null,
  -- Device name, address and user agent, sealed under the subject's key.
  device bytea not null,
  created_at timestamptz not null,
  absolute_expires_at timestamptz not null,
  refresh_number integer not null check (refresh_number >= 1),
  refresh_key_version integer not null,
  refreshed_at timestamptz not null,
  idle_expires_at timestamptz not null,
  ended_at timestamptz,
  end_reason text,
  check ((ended_at is null) = (end_reason is null))
) with (fillfactor = 80);

create index session_live_of_principal on session (principal_id, id) where ended_at is null;

-- What every replica must hear of. Numbers are taken under the row lock of feed_head as the last statement of a
-- transaction, so that they become visible in their order.
create table feed_head (
  only_row boolean primary key default true check (only_row),
  number bigint not null
);

insert into feed_head (number) values (0);

create table feed (
  number bigint primary key,
  kind text not null check (kind in ('token', 'session', 'principal')),
  key text not null,
  expires_at timestamptz not null
);

create index feed_expiry on feed (expires_at);
-- For STRONG, and for a replica that may not rely on what it heard.
create index feed_by_key on feed (kind, key);

create table secret (
  id uuid primary key,
  path text collate "C" not null unique,
  current_version integer not null check (current_version >= 1),
  created_at timestamptz not null,
  updated_at timestamptz not null
);

-- `created_by` is no foreign key: it is the principal who was just authenticated and nobody may delete, and all puts of one
-- principal would share a lock on its row.
create table secret_version (
  secret_id uuid not null references secret (id),
  version integer not null check (version >= 1),
  -- The value, sealed under a data key of its own, and that key wrapped; both null once destroyed.
  sealed bytea,
  wrapped_key bytea,
  kek_id text,
  kek_version integer,
  created_at timestamptz not null,
  created_by uuid not null,
  expires_at timestamptz,
  deleted_at timestamptz,
  destroyed_at timestamptz,
  primary key (secret_id, version),
  check ((sealed is null) = (destroyed_at is not null) and (wrapped_key is null) = (destroyed_at is not null))
);

-- Answers kept for 24 hours, so that a repeated request id gives the earlier one (AIP-155).
create table request_record (
  principal_id uuid not null,
  method text not null,
  request_id uuid not null,
  -- Keyed digest of the request.
  fingerprint bytea not null,
  fingerprint_version integer not null,
  -- The answer, sealed.
  response bytea not null,
  created_at timestamptz not null,
  primary key (principal_id, method, request_id)
);

create index request_record_age on request_record (created_at);

-- The audit trail. `entry` holds the exact bytes that evidence rests on; the columns beside it serve look-ups and can be
-- made again from it. `id` is the UUIDv7 of the event; `xid` lets a sequencer see which rows are settled.
create table audit_event (
  id uuid primary key,
  xid xid8 not null default pg_current_xact_id(),
  entry bytea not null check (octet_length(entry) between 2 and 65535),
  occurred_at timestamptz not null,
  event text not null,
  category text not null,
  outcome text not null check (outcome in ('SUCCESS', 'FAILURE')),
  actor_id uuid,
  session_id uuid,
  method text,
  resource_type text,
  resource_uid text collate "C",
  -- Whose key seals `personal`.
  subject text,
  personal bytea,
  -- Sealed under the installation's audit key.
  details bytea,
  address_index bytea,
  login_name_index bytea
);

create index audit_event_by_actor on audit_event (actor_id, id);
create index audit_event_by_resource on audit_event (resource_uid, id);
create index audit_event_by_address on audit_event (address_index, id) where address_index is not null;
create index audit_event_by_login_name on audit_event (login_name_index, id) where login_name_index is not null;

create function audit_event_is_immutable() returns trigger language plpgsql as $$
begin
  raise exception 'audit events are never changed or deleted' using errcode = 'insufficient_privilege';
end;
$$;

create trigger audit_event_immutable before update or delete on audit_event
  for each row execute function audit_event_is_immutable();
create trigger audit_event_untruncated before truncate on audit_event
  for each statement execute function audit_event_is_immutable();

grant select, insert on installation to gatehouse_app;
grant select, insert, update on data_key, subject_key to gatehouse_app;
grant select, insert, update on principal, person, bootstrap_token, invitation, session, secret, secret_version to gatehouse_app;
grant select, insert, update, delete on access_grant to gatehouse_app;
grant select on role to gatehouse_app;
grant select, update on feed_head to gatehouse_app;
grant select, insert, delete on feed, request_record to gatehouse_app;
grant select, insert on audit_event to gatehouse_app;
grant select on audit_event to gatehouse_log;
