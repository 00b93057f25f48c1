// SQL stands in stores, holds no value and no clock, and writes only inside a transaction.
import { readFileSync } from "node:fs";
import { describe, expect, it } from "vitest";
import { listFiles, root } from "../../tools/source/files.ts";
import { readSource, sourceFile } from "./source.ts";
import { doubledNames, namedStatements, statementFaults, textFaults } from "./sql.ts";

const files = readSource("src");
const store = "src/auth/session/store.ts";

function faultsOf(text: string, path = store): readonly string[] {
  return statementFaults(sourceFile(path, text));
}

describe("SQL of the product", () => {
  it("P-04 keeps the house rules in every file", () => {
    expect(files.flatMap(namedStatements).length).toBeGreaterThan(10);
    expect(files.flatMap(statementFaults)).toEqual([]);
  });

  it("gives every statement a name of its own", () => {
    expect(doubledNames(files)).toEqual([]);
  });

  it("never asks Postgres for the time in a migration", () => {
    const migrations = listFiles("src/postgres/migrations", ".sql");
    const faults = migrations.flatMap((path) =>
      textFaults(readFileSync(`${root}/${path}`, "utf8")).map((fault) => `${path} ${fault}`),
    );
    expect(faults.filter((fault) => fault.includes("the time"))).toEqual([]);
  });
});

describe("the rule on SQL finds", () => {
  it.each([
    ["SQL in a handler", `const a = "select id from session where id = $1";`, "src/auth/session/list.ts"],
    [
      "a writing statement in a handler",
      "const a = `\n  insert into session (id) values ($1)`;",
      "src/auth/session/list.ts",
    ],
    ["a star", `const a = "select * from session";`],
    ["a star of one table", `const a = "select s.id, t.* from session s, t";`],
    ["a returning star", `const a = "delete from session where id = $1 returning *";`],
    ["the database's clock", `const a = "select id from session where expires_at > now()";`],
    ["the database's clock in a CTE", `const a = "with s as (select CURRENT_TIMESTAMP as t) select t from s";`],
    ["SQL put together from a caller's value", "const f = (name) => `select id from session where name = '${name}'`;"],
    [
      "the same in what answers a statement to others",
      "export function f(name: string): Statement { return { name: 'a', text: `select id from session where name = '${name}'` }; }",
    ],
    [
      "a write through a reader",
      `const a: Statement = { name: "a", text: "update session set ended_at = $1" }; function f(reader: Reader) { return reader.rows(a, []); }`,
    ],
    [
      "a write hidden in a CTE",
      `const a = { name: "a", text: "with gone as (delete from session where id = $1 returning id) select id from gone" }; const f = (reader: Reader) => reader.rows(a, []);`,
    ],
    [
      "a write through whatever is called tx",
      `const a = { name: "a", text: "insert into s (id) values ($1)" }; function f(tx: Reader) { return tx.rows(a, []); }`,
    ],
    [
      "a write given inline",
      `function f(reader: Reader) { return reader.rows({ name: "a", text: "delete from s where id = $1" }, []); }`,
    ],
  ])("%s", (_title, text, path = store) => {
    expect(faultsOf(text, path)).toHaveLength(1);
  });

  it("nothing in a right store, in prose, or in a locking read", () => {
    expect(
      faultsOf(
        `const a = { name: "a", text: "insert into s (id) values ($1) on conflict do nothing" }; async function f(tx: Transaction) { await tx.rows(a, []); }`,
      ),
    ).toEqual([]);
    expect(
      faultsOf(
        `const a = { name: "a", text: "select id from s where id = $1 for update" }; const f = (reader: Reader) => reader.rows(a, []);`,
      ),
    ).toEqual([]);
    expect(faultsOf("const columns = `id, name`; const a = `select ${columns} from session`;")).toEqual([]);
    expect(
      faultsOf("const types = ['a']; const a = `insert into s (id) values (${types.map((_, at) => at).join()})`;"),
    ).toEqual([]);
    expect(
      faultsOf("function f(where: string): Statement { return { name: 'a', text: `select id from s ${where}` }; }"),
    ).toEqual([]);
    expect(
      faultsOf(
        `const a = { name: "a", text: "delete from s where id = $1" }; unitOfWork.commit(draft, async (tx) => tx.rows(a, []));`,
      ),
    ).toEqual([]);
    expect(faultsOf(`const a = "select the sessions to end";`, "src/auth/session/list.ts")).toEqual([]);
    expect(faultsOf(`const a = "select count(*) as sessions from session";`)).toEqual([]);
  });

  it("a name given twice", () => {
    const statement = `const a = { name: "a.b", text: "select 1" };`;
    expect(doubledNames([sourceFile(store, statement), sourceFile("src/auth/grant/store.ts", statement)])).toEqual([
      "a.b",
    ]);
  });
});
