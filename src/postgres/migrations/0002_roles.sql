-- Roles of the installation's own, beside the built-in ones, which nothing but a migration changes.
alter table role
  add column description text not null default '',
  -- Null for built-in roles.
  add column updated_at timestamptz,
  alter column builtin set default false,
  add constraint role_name_form check (name ~ '^[a-z][a-z0-9-]{0,63}$'),
  -- Everything is held by administrators and by nobody else.
  add constraint role_of_everything check (builtin or not ('*' = any (permissions))),
  add constraint role_size check (cardinality(permissions) between 1 and 100);

create function keep_built_in_role() returns trigger language plpgsql as $$
begin
  raise exception 'built-in roles never change';
end
$$;

create trigger role_built_in before update or delete on role
  for each row when (old.builtin) execute function keep_built_in_role();

-- A role that is granted stays; who holds it is asked whenever it changes.
create index access_grant_by_role on access_grant (role);

-- A changed role is one event, however many hold it.
alter table feed drop constraint feed_kind_check;
alter table feed add constraint feed_kind_check check (kind in ('token', 'session', 'principal', 'role'));

-- `builtin` is not among the columns: what the application inserts is never built in.
grant insert (name, permissions, description, updated_at), delete on role to gatehouse_app;
grant update (permissions, description, updated_at) on role to gatehouse_app;
