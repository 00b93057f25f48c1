-- Budgets of calls that all replicas share. Unlogged, because what a crash of Postgres forgets here is only how often
-- somebody called within the last minutes, and a write-ahead log would cost more than the counting.
create unlogged table limit_cell (
  -- A keyed hash; no login name or address can be read from it.
  key bytea primary key,
  -- Unix microseconds by which all calls that were let in are paid off.
  arrival bigint not null,
  -- Refusals since the last call that was let in, counted to two.
  refusals smallint not null check (refusals between 0 and 2),
  -- What could be owed at most when it was written, in microseconds.
  burst bigint not null
-- Every call updates its row: room on the page for the next version of it.
) with (fillfactor = 50);

grant select, insert, update, delete on limit_cell to gatehouse_app;
