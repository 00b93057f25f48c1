// The schema as text, read from the catalogue of the server: what a migration really changed is seen in the diff of
// src/postgres/schema.sql. Sorted by name and free of oids, so that it is the same on every server version.
import type pg from "pg";

const relations = `
  select c.oid::integer as oid, c.relname as name, c.relkind::text as kind, coalesce(array_to_string(c.reloptions, ', '), '') as options
  from pg_class c where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'p', 'v', 'm', 'S') order by c.relname`;

const columns = `
  select a.attname as name, format_type(a.atttypid, a.atttypmod) as type, a.attnotnull as required,
    a.attidentity::text as identity, a.attgenerated::text as generated,
    pg_get_expr(d.adbin, d.adrelid) as expression,
    case when a.attcollation <> t.typcollation then quote_ident(coll.collname) end as collation
  from pg_attribute a
  join pg_type t on t.oid = a.atttypid
  left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
  left join pg_collation coll on coll.oid = a.attcollation
  where a.attrelid = $1 and a.attnum > 0 and not a.attisdropped order by a.attnum`;

// Not-null constraints are rows of their own from version 18 on; they are shown with their columns.
const constraints = `
  select conname as name, pg_get_constraintdef(oid) as definition from pg_constraint
  where conrelid = $1 and contype <> 'n' order by contype = 'p' desc, conname`;

const indexes = `
  select pg_get_indexdef(i.indexrelid) as definition from pg_index i join pg_class c on c.oid = i.indexrelid
  where i.indrelid = $1 and not exists (select 1 from pg_constraint where conindid = i.indexrelid and contype in ('p', 'u', 'x'))
  order by c.relname`;

const triggers = `
  select pg_get_triggerdef(oid) as definition from pg_trigger where tgrelid = $1 and not tgisinternal order by tgname`;

const grants = `
  select grantee::regrole::text as grantee, string_agg(privilege_type, ', ' order by privilege_type) as privileges
  from pg_class c, aclexplode(c.relacl) where c.oid = $1 and grantee <> c.relowner group by grantee order by 1`;

const functions = `
  select p.oid::integer as oid, p.proname as name, pg_get_function_identity_arguments(p.oid) as arguments, pg_get_functiondef(p.oid) as definition
  from pg_proc p where p.pronamespace = 'public'::regnamespace and p.prokind in ('f', 'p') order by p.proname, arguments`;

const types = `
  select t.typname as name, t.typtype::text as kind,
    (select string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder) from pg_enum e where e.enumtypid = t.oid) as labels
  from pg_type t where t.typnamespace = 'public'::regnamespace and t.typtype in ('e', 'd', 'r') order by t.typname`;

interface Column {
  name: string;
  type: string;
  required: boolean;
  identity: string;
  generated: string;
  expression: string | null;
  collation: string | null;
}

const relationKinds: Readonly<Record<string, string>> = {
  r: "table",
  p: "partitioned table",
  v: "view",
  m: "materialized view",
  S: "sequence",
};

function columnText(column: Column): string {
  const parts = [column.name, column.type];
  if (column.collation !== null) parts.push(`collate ${column.collation}`);
  if (column.required) parts.push("not null");
  if (column.identity !== "") parts.push("generated as identity");
  if (column.expression !== null) {
    parts.push(column.generated === "" ? `default ${column.expression}` : `generated always as (${column.expression})`);
  }
  return parts.join(" ");
}

async function dumpRelation(
  client: pg.ClientBase,
  relation: { oid: number; name: string; kind: string; options: string },
): Promise<string> {
  const of = async <R extends pg.QueryResultRow>(sql: string): Promise<R[]> =>
    (await client.query<R>(sql, [relation.oid])).rows;
  const inside = [
    ...(await of<Column & pg.QueryResultRow>(columns)).map(columnText),
    ...(await of<{ name: string; definition: string }>(constraints)).map(
      (row) => `constraint ${row.name} ${row.definition}`,
    ),
  ];
  const options = relation.options === "" ? "" : ` with (${relation.options})`;
  const lines = [`${relationKinds[relation.kind]} ${relation.name} (\n  ${inside.join(",\n  ")}\n)${options};`];
  for (const sql of [indexes, triggers]) {
    for (const row of await of<{ definition: string }>(sql)) lines.push(`${row.definition.replaceAll("public.", "")};`);
  }
  for (const row of await of<{ grantee: string; privileges: string }>(grants)) {
    lines.push(`grant ${row.privileges.toLowerCase()} on ${relation.name} to ${row.grantee};`);
  }
  return lines.join("\n");
}

export async function dumpSchema(client: pg.ClientBase): Promise<string> {
  const parts = [
    "-- What the migrations make, read back from the server. Reviewed, never edited: vitest -u writes it.",
  ];
  for (const row of (await client.query<{ name: string; kind: string; labels: string | null }>(types)).rows) {
    parts.push(`type ${row.name} (${row.kind}) ${row.labels ?? ""};`);
  }
  for (const row of (await client.query<{ definition: string }>(functions)).rows) {
    parts.push(`${row.definition.replaceAll("public.", "").trim()};`);
  }
  for (const relation of (await client.query<{ oid: number; name: string; kind: string; options: string }>(relations))
    .rows) {
    parts.push(await dumpRelation(client, relation));
  }
  return `${parts.join("\n\n")}\n`;
}
