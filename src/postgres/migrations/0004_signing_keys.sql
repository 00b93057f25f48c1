-- The keys that sign tokens, so that replicas share them whatever the home of the private halves is. The state of a key is told by
-- its instants and the time of day; nothing flips it.
create table signing_key (
  -- RFC 7638 thumbprint.
  kid text collate "C" primary key check (kid ~ '^[A-Za-z0-9_-]{43}$'),
  algorithm text collate "C" not null check (algorithm in ('ES256', 'EdDSA', 'RS256', 'PS256')),
  number integer not null check (number >= 1),
  home text not null check (home in ('local', 'vault')),
  -- What the home needs to find or open the private half; null once destroyed.
  handle text check (octet_length(handle) <= 16384),
  -- Public members (RFC 7517).
  public_jwk jsonb not null check (octet_length(public_jwk::text) <= 4096),
  created_at timestamptz not null,
  -- From here on it signs; it is published from the moment that it is in here.
  activates_at timestamptz not null,
  -- From here on another signs; null = no successor yet.
  deactivates_at timestamptz,
  -- When the last token that it signed has expired.
  verifies_until timestamptz,
  compromised_at timestamptz,
  destroyed_at timestamptz,
  -- Replicas that make a key at the same time make the same one, or one of them is refused.
  constraint signing_key_once unique (algorithm, number),
  check ((deactivates_at is null) = (verifies_until is null)),
  check (verifies_until >= deactivates_at),
  check ((handle is null) = (destroyed_at is not null)),
  check (compromised_at is null or deactivates_at is not null),
  -- A key that a live token may rest on is never destroyed.
  check (destroyed_at is null or (verifies_until is not null and destroyed_at >= verifies_until))
);

create function keep_signing_key_past() returns trigger language plpgsql as $$
begin
  if old.destroyed_at is not null then
    raise exception 'a destroyed signing key never comes back' using errcode = 'insufficient_privilege';
  end if;
  if old.compromised_at is not null and new.compromised_at is distinct from old.compromised_at then
    raise exception 'a compromised signing key stays so' using errcode = 'insufficient_privilege';
  end if;
  return new;
end;
$$;

create trigger signing_key_past before update on signing_key
  for each row execute function keep_signing_key_past();

-- Which kinds of events there are is told by the program; what the feed itself needs is a short word.
alter table feed drop constraint feed_kind_check;
alter table feed add constraint feed_kind_check check (kind ~ '^[a-z][a-z_]{0,31}$');

grant select,
  insert,
  update (handle, activates_at, deactivates_at, verifies_until, compromised_at, destroyed_at)
  on signing_key to gatehouse_app;
