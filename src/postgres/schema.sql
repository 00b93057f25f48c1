-- What the migrations make, read back from the server. Reviewed, never edited: vitest -u writes it.

CREATE OR REPLACE FUNCTION audit_event_is_immutable()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'audit events are never changed or deleted' using errcode = 'insufficient_privilege';
end;
$function$;

CREATE OR REPLACE FUNCTION keep_built_in_role()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  raise exception 'built-in roles never change';
end
$function$;

CREATE OR REPLACE FUNCTION keep_signing_key_past()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
  if old.destroyed_at is not null then
    raise exception 'a destroyed signing key never comes back' using errcode = 'insufficient_privilege';
  end if;
  if old.compromised_at is not null and new.compromised_at is distinct from old.compromised_at then
    raise exception 'a compromised signing key stays so' using errcode = 'insufficient_privilege';
  end if;
  return new;
end;
$function$;

table access_grant (
  id uuid not null,
  principal_id uuid not null,
  role text not null,
  resource text collate "C" not null,
  effect text not null,
  expires_at timestamp with time zone,
  created_at timestamp with time zone not null,
  created_by uuid,
  constraint access_grant_pkey PRIMARY KEY (id),
  constraint access_grant_created_by_fkey FOREIGN KEY (created_by) REFERENCES principal(id),
  constraint access_grant_effect_check CHECK ((effect = ANY (ARRAY['allow'::text, 'deny'::text]))),
  constraint access_grant_once UNIQUE (principal_id, role, resource, effect),
  constraint access_grant_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principal(id),
  constraint access_grant_role_fkey FOREIGN KEY (role) REFERENCES role(name)
);
CREATE INDEX access_grant_by_role ON access_grant USING btree (role);
grant delete, insert, select, update on access_grant to gatehouse_app;

table api_key (
  id uuid not null,
  principal_id uuid not null,
  token_hash bytea not null,
  hash_version integer not null,
  prefix text not null,
  display_name text not null,
  scopes text[] not null,
  created_at timestamp with time zone not null,
  created_by uuid not null,
  expires_at timestamp with time zone,
  revoked_at timestamp with time zone,
  successor_id uuid,
  last_used_at timestamp with time zone,
  constraint api_key_pkey PRIMARY KEY (id),
  constraint api_key_created_by_fkey FOREIGN KEY (created_by) REFERENCES principal(id),
  constraint api_key_display_name_check CHECK (((char_length(display_name) >= 1) AND (char_length(display_name) <= 128))),
  constraint api_key_once UNIQUE (token_hash),
  constraint api_key_prefix_check CHECK ((char_length(prefix) <= 16)),
  constraint api_key_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES service_account(principal_id),
  constraint api_key_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 100)))
);
CREATE INDEX api_key_of_account ON api_key USING btree (principal_id, id);
grant delete, insert, select on api_key to gatehouse_app;

table audit_event (
  id uuid not null,
  xid xid8 not null default pg_current_xact_id(),
  entry bytea not null,
  occurred_at timestamp with time zone not null,
  event text not null,
  category text not null,
  outcome text not null,
  actor_id uuid,
  session_id uuid,
  method text,
  resource_type text,
  resource_uid text collate "C",
  subject text,
  personal bytea,
  details bytea,
  address_index bytea,
  login_name_index bytea,
  constraint audit_event_pkey PRIMARY KEY (id),
  constraint audit_event_entry_check CHECK (((octet_length(entry) >= 2) AND (octet_length(entry) <= 65535))),
  constraint audit_event_outcome_check CHECK ((outcome = ANY (ARRAY['SUCCESS'::text, 'FAILURE'::text])))
);
CREATE INDEX audit_event_by_actor ON audit_event USING btree (actor_id, id);
CREATE INDEX audit_event_by_address ON audit_event USING btree (address_index, id) WHERE (address_index IS NOT NULL);
CREATE INDEX audit_event_by_login_name ON audit_event USING btree (login_name_index, id) WHERE (login_name_index IS NOT NULL);
CREATE INDEX audit_event_by_resource ON audit_event USING btree (resource_uid, id);
CREATE TRIGGER audit_event_immutable BEFORE DELETE OR UPDATE ON audit_event FOR EACH ROW EXECUTE FUNCTION audit_event_is_immutable();
CREATE TRIGGER audit_event_untruncated BEFORE TRUNCATE ON audit_event FOR EACH STATEMENT EXECUTE FUNCTION audit_event_is_immutable();
grant insert, select on audit_event to gatehouse_app;
grant select on audit_event to gatehouse_log;

table bootstrap_token (
  token_hash bytea not null,
  hash_version integer not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  constraint bootstrap_token_pkey PRIMARY KEY (token_hash)
);
grant insert, select, update on bootstrap_token to gatehouse_app;

table client (
  id text collate "C" not null,
  generation integer not null default 1,
  state text not null,
  confidential boolean not null,
  display_name text not null,
  logins boolean not null,
  exchange boolean not null,
  principal_id uuid,
  audiences text[] not null,
  scopes text[] not null,
  access_token_lifetime_ms bigint,
  refresh_token_lifetime_ms bigint,
  algorithm text,
  refresh_rotation text not null,
  sender_constraint text not null,
  encryption_key jsonb,
  display_name_claim boolean not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint client_pkey PRIMARY KEY (id),
  constraint client_access_token_lifetime_ms_check CHECK ((access_token_lifetime_ms > 0)),
  constraint client_algorithm_check CHECK ((algorithm = ANY (ARRAY['ES256'::text, 'EdDSA'::text, 'RS256'::text, 'PS256'::text]))),
  constraint client_audiences_check CHECK (((cardinality(audiences) >= 1) AND (cardinality(audiences) <= 16))),
  constraint client_encryption_key_check CHECK ((octet_length((encryption_key)::text) <= 4096)),
  constraint client_generation_check CHECK ((generation >= 1)),
  constraint client_id_check CHECK (((id ~ '^[a-z][a-z0-9-]{1,62}$'::text) AND (id <> 'gatehouse'::text))),
  constraint client_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principal(id),
  constraint client_public CHECK ((confidential OR ((principal_id IS NULL) AND (NOT exchange) AND (refresh_rotation = 'rotate'::text)))),
  constraint client_refresh_rotation_check CHECK ((refresh_rotation = ANY (ARRAY['rotate'::text, 'off'::text]))),
  constraint client_refresh_token_lifetime_ms_check CHECK ((refresh_token_lifetime_ms > 0)),
  constraint client_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 64))),
  constraint client_sender_constraint_check CHECK ((sender_constraint = ANY (ARRAY['none'::text, 'dpop'::text, 'mtls'::text]))),
  constraint client_state_check CHECK ((state = ANY (ARRAY['active'::text, 'disabled'::text, 'deleted'::text])))
);
grant insert, select on client to gatehouse_app;

table client_secret (
  id uuid not null,
  client_id text collate "C" not null,
  secret_hash bytea not null,
  hash_version integer not null,
  hint text not null,
  created_at timestamp with time zone not null,
  created_by uuid not null,
  expires_at timestamp with time zone,
  last_used_at timestamp with time zone,
  constraint client_secret_pkey PRIMARY KEY (id),
  constraint client_secret_client_id_fkey FOREIGN KEY (client_id) REFERENCES client(id),
  constraint client_secret_hint_check CHECK ((char_length(hint) <= 16))
);
CREATE INDEX client_secret_of_client ON client_secret USING btree (client_id, id);
grant delete, insert, select on client_secret to gatehouse_app;

table data_key (
  purpose text not null,
  version integer not null,
  wrapped bytea not null,
  kek_id text not null,
  kek_version integer not null,
  state text not null,
  created_at timestamp with time zone not null,
  constraint data_key_pkey PRIMARY KEY (purpose, version),
  constraint data_key_state_check CHECK ((state = ANY (ARRAY['active'::text, 'deactivated'::text, 'destroyed'::text]))),
  constraint data_key_version_check CHECK ((version >= 1))
);
grant insert, select, update on data_key to gatehouse_app;

table feed (
  number bigint not null,
  kind text not null,
  key text not null,
  expires_at timestamp with time zone not null,
  constraint feed_pkey PRIMARY KEY (number),
  constraint feed_kind_check CHECK ((kind ~ '^[a-z][a-z_]{0,31}$'::text))
);
CREATE INDEX feed_by_key ON feed USING btree (kind, key);
CREATE INDEX feed_expiry ON feed USING btree (expires_at);
grant delete, insert, select on feed to gatehouse_app;

table feed_head (
  only_row boolean not null default true,
  number bigint not null,
  constraint feed_head_pkey PRIMARY KEY (only_row),
  constraint feed_head_only_row_check CHECK (only_row)
);
grant select, update on feed_head to gatehouse_app;

table installation (
  only_row boolean not null default true,
  id uuid not null,
  created_at timestamp with time zone not null,
  constraint installation_pkey PRIMARY KEY (only_row),
  constraint installation_only_row_check CHECK (only_row)
);
grant insert, select on installation to gatehouse_app;

table invitation (
  id uuid not null,
  token_hash bytea not null,
  hash_version integer not null,
  created_by uuid not null,
  created_at timestamp with time zone not null,
  expires_at timestamp with time zone not null,
  used_at timestamp with time zone,
  used_by uuid,
  constraint invitation_pkey PRIMARY KEY (id),
  constraint invitation_created_by_fkey FOREIGN KEY (created_by) REFERENCES principal(id),
  constraint invitation_token_hash_key UNIQUE (token_hash),
  constraint invitation_used_by_fkey FOREIGN KEY (used_by) REFERENCES principal(id)
);
grant insert, select, update on invitation to gatehouse_app;

table limit_cell (
  key bytea not null,
  arrival bigint not null,
  refusals smallint not null,
  burst bigint not null,
  constraint limit_cell_pkey PRIMARY KEY (key),
  constraint limit_cell_refusals_check CHECK (((refusals >= 0) AND (refusals <= 2)))
) with (fillfactor=50);
grant delete, insert, select, update on limit_cell to gatehouse_app;

table person (
  principal_id uuid not null,
  login_name_index bytea not null,
  login_name_index_version integer not null,
  profile bytea not null,
  password bytea not null,
  pepper_version integer not null,
  password_changed_at timestamp with time zone not null,
  constraint person_pkey PRIMARY KEY (principal_id),
  constraint person_login_name_index_key UNIQUE (login_name_index),
  constraint person_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principal(id)
);
grant insert, select, update on person to gatehouse_app;

table principal (
  id uuid not null,
  kind text not null,
  state text not null,
  generation integer not null default 1,
  created_at timestamp with time zone not null,
  constraint principal_pkey PRIMARY KEY (id),
  constraint principal_generation_check CHECK ((generation >= 1)),
  constraint principal_kind_check CHECK ((kind = ANY (ARRAY['person'::text, 'service_account'::text]))),
  constraint principal_state_check CHECK ((state = ANY (ARRAY['active'::text, 'disabled'::text])))
);
grant insert, select, update on principal to gatehouse_app;

table request_record (
  principal_id uuid not null,
  method text not null,
  request_id uuid not null,
  fingerprint bytea not null,
  fingerprint_version integer not null,
  response bytea not null,
  created_at timestamp with time zone not null,
  constraint request_record_pkey PRIMARY KEY (principal_id, method, request_id)
);
CREATE INDEX request_record_age ON request_record USING btree (created_at);
grant delete, insert, select on request_record to gatehouse_app;

table role (
  name text not null,
  permissions text[] not null,
  builtin boolean not null default false,
  description text not null default ''::text,
  updated_at timestamp with time zone,
  constraint role_pkey PRIMARY KEY (name),
  constraint role_name_form CHECK ((name ~ '^[a-z][a-z0-9-]{0,63}$'::text)),
  constraint role_of_everything CHECK ((builtin OR (NOT ('*'::text = ANY (permissions))))),
  constraint role_size CHECK (((cardinality(permissions) >= 1) AND (cardinality(permissions) <= 100)))
);
CREATE TRIGGER role_built_in BEFORE DELETE OR UPDATE ON role FOR EACH ROW WHEN (old.builtin) EXECUTE FUNCTION keep_built_in_role();
grant delete, select on role to gatehouse_app;

table schema_migration (
  number integer not null,
  name text not null,
  checksum text not null,
  applied_at timestamp with time zone not null,
  constraint schema_migration_pkey PRIMARY KEY (number),
  constraint schema_migration_number_check CHECK ((number >= 1))
);
grant select on schema_migration to gatehouse_app;
grant select on schema_migration to gatehouse_log;

table secret (
  id uuid not null,
  path text collate "C" not null,
  current_version integer not null,
  created_at timestamp with time zone not null,
  updated_at timestamp with time zone not null,
  constraint secret_pkey PRIMARY KEY (id),
  constraint secret_current_version_check CHECK ((current_version >= 1)),
  constraint secret_path_key UNIQUE (path)
);
grant insert, select, update on secret to gatehouse_app;

table secret_version (
  secret_id uuid not null,
  version integer not null,
  sealed bytea,
  wrapped_key bytea,
  kek_id text,
  kek_version integer,
  created_at timestamp with time zone not null,
  created_by uuid not null,
  expires_at timestamp with time zone,
  deleted_at timestamp with time zone,
  destroyed_at timestamp with time zone,
  constraint secret_version_pkey PRIMARY KEY (secret_id, version),
  constraint secret_version_check CHECK ((((sealed IS NULL) = (destroyed_at IS NOT NULL)) AND ((wrapped_key IS NULL) = (destroyed_at IS NOT NULL)))),
  constraint secret_version_secret_id_fkey FOREIGN KEY (secret_id) REFERENCES secret(id),
  constraint secret_version_version_check CHECK ((version >= 1))
);
grant insert, select, update on secret_version to gatehouse_app;

table service_account (
  principal_id uuid not null,
  display_name text not null,
  created_at timestamp with time zone not null,
  created_by uuid not null,
  updated_at timestamp with time zone not null,
  constraint service_account_pkey PRIMARY KEY (principal_id),
  constraint service_account_created_by_fkey FOREIGN KEY (created_by) REFERENCES principal(id),
  constraint service_account_display_name_check CHECK (((char_length(display_name) >= 1) AND (char_length(display_name) <= 128))),
  constraint service_account_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principal(id)
);
grant delete, insert, select on service_account to gatehouse_app;

table session (
  id uuid not null,
  principal_id uuid not null,
  principal_generation integer not null,
  client_id text not null,
  audience text not null,
  scopes text[] not null,
  authentication_methods text[] not null,
  authentication_context text not null,
  authenticated_at timestamp with time zone not null,
  device bytea not null,
  created_at timestamp with time zone not null,
  absolute_expires_at timestamp with time zone not null,
  refresh_number integer not null,
  refresh_key_version integer not null,
  refreshed_at timestamp with time zone not null,
  idle_expires_at timestamp with time zone not null,
  ended_at timestamp with time zone,
  end_reason text,
  client_generation integer,
  confirmation text,
  constraint session_pkey PRIMARY KEY (id),
  constraint session_check CHECK (((ended_at IS NULL) = (end_reason IS NULL))),
  constraint session_client_generation_check CHECK ((client_generation >= 1)),
  constraint session_confirmation_check CHECK ((confirmation ~ '^(key|certificate):[A-Za-z0-9_-]{43}$'::text)),
  constraint session_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES principal(id),
  constraint session_refresh_number_check CHECK ((refresh_number >= 1))
) with (fillfactor=80);
CREATE INDEX session_live_of_principal ON session USING btree (principal_id, id) WHERE (ended_at IS NULL);
grant insert, select, update on session to gatehouse_app;

table signing_key (
  kid text collate "C" not null,
  algorithm text collate "C" not null,
  number integer not null,
  home text not null,
  handle text,
  public_jwk jsonb not null,
  created_at timestamp with time zone not null,
  activates_at timestamp with time zone not null,
  deactivates_at timestamp with time zone,
  verifies_until timestamp with time zone,
  compromised_at timestamp with time zone,
  destroyed_at timestamp with time zone,
  constraint signing_key_pkey PRIMARY KEY (kid),
  constraint signing_key_algorithm_check CHECK ((algorithm = ANY (ARRAY['ES256'::text, 'EdDSA'::text, 'RS256'::text, 'PS256'::text]))),
  constraint signing_key_check CHECK (((deactivates_at IS NULL) = (verifies_until IS NULL))),
  constraint signing_key_check1 CHECK ((verifies_until >= deactivates_at)),
  constraint signing_key_check2 CHECK (((handle IS NULL) = (destroyed_at IS NOT NULL))),
  constraint signing_key_check3 CHECK (((compromised_at IS NULL) OR (deactivates_at IS NOT NULL))),
  constraint signing_key_check4 CHECK (((destroyed_at IS NULL) OR ((verifies_until IS NOT NULL) AND (destroyed_at >= verifies_until)))),
  constraint signing_key_handle_check CHECK ((octet_length(handle) <= 16384)),
  constraint signing_key_home_check CHECK ((home = ANY (ARRAY['local'::text, 'vault'::text]))),
  constraint signing_key_kid_check CHECK ((kid ~ '^[A-Za-z0-9_-]{43}$'::text)),
  constraint signing_key_number_check CHECK ((number >= 1)),
  constraint signing_key_once UNIQUE (algorithm, number),
  constraint signing_key_public_jwk_check CHECK ((octet_length((public_jwk)::text) <= 4096))
);
CREATE TRIGGER signing_key_past BEFORE UPDATE ON signing_key FOR EACH ROW EXECUTE FUNCTION keep_signing_key_past();
grant insert, select on signing_key to gatehouse_app;

table subject_key (
  subject text not null,
  wrapped bytea,
  kek_id text not null,
  kek_version integer not null,
  created_at timestamp with time zone not null,
  erased_at timestamp with time zone,
  constraint subject_key_pkey PRIMARY KEY (subject),
  constraint subject_key_check CHECK (((wrapped IS NULL) = (erased_at IS NOT NULL)))
);
grant insert, select, update on subject_key to gatehouse_app;

table used_proof (
  proof_hash bytea not null,
  expires_at timestamp with time zone not null,
  constraint used_proof_pkey PRIMARY KEY (proof_hash),
  constraint used_proof_proof_hash_check CHECK ((octet_length(proof_hash) = 32))
);
CREATE INDEX used_proof_expiry ON used_proof USING btree (expires_at);
grant delete, insert, select on used_proof to gatehouse_app;

table workload_binding (
  id uuid not null,
  principal_id uuid not null,
  kind text not null,
  issuer text collate "C" not null,
  subject text collate "C" not null,
  scopes text[] not null,
  created_at timestamp with time zone not null,
  created_by uuid not null,
  last_used_at timestamp with time zone,
  constraint workload_binding_pkey PRIMARY KEY (id),
  constraint workload_binding_check CHECK (((char_length(issuer) <= 512) AND ((issuer = ''::text) = (kind <> 'kubernetes'::text)))),
  constraint workload_binding_created_by_fkey FOREIGN KEY (created_by) REFERENCES principal(id),
  constraint workload_binding_kind_check CHECK ((kind = ANY (ARRAY['spiffe'::text, 'dns'::text, 'kubernetes'::text]))),
  constraint workload_binding_once UNIQUE (kind, issuer, subject),
  constraint workload_binding_principal_id_fkey FOREIGN KEY (principal_id) REFERENCES service_account(principal_id),
  constraint workload_binding_scopes_check CHECK (((cardinality(scopes) >= 1) AND (cardinality(scopes) <= 100))),
  constraint workload_binding_subject_check CHECK (((char_length(subject) >= 1) AND (char_length(subject) <= 2048)))
);
CREATE INDEX workload_binding_of_account ON workload_binding USING btree (principal_id, id);
grant delete, insert, select on workload_binding to gatehouse_app;
