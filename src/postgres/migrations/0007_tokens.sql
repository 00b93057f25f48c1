-- DPoP proofs that were used, until they are too old to be shown. Shared by all replicas, so that a proof works once.
create table used_proof (
  -- SHA-256 over the key's thumbprint and the id of the proof.
  proof_hash bytea primary key check (octet_length(proof_hash) = 32),
  expires_at timestamptz not null
);

create index used_proof_expiry on used_proof (expires_at);

-- What the refresh tokens of a session are bound to: the thumbprint of a key or of a certificate; null = to nothing but the client.
alter table session add column confirmation text
  check (confirmation ~ '^(key|certificate):[A-Za-z0-9_-]{43}$');

grant select, insert, delete on used_proof to gatehouse_app;
