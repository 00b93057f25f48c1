// Hostile values on their way into statements are data and nothing else.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Statement } from "../../../src/kernel/database.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";

const at = new Date("2026-11-21T10:00:00Z");
const insertThing: Statement = { name: "test.insert_thing", text: "insert into thing (id, note) values ($1, $2)" };

describe("statements", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await startTestDatabase();
    await database.asOwner(
      "create table thing (id uuid primary key, note text not null); grant select, insert on thing to gatehouse_app",
    );
  });
  afterAll(() => database.drop());

  it("CVE-2022-24124 P-04 takes injection payloads as data", async () => {
    const payloads = ["'; drop table thing; --", "\\'; select 1", "$1", "'||(select 1)||'", "%00", "🂡'\"`"];
    for (const note of payloads) {
      await database.unitOfWork().commit(draftAt(at, note), (tx) => tx.rows(insertThing, [uuidv7(at), note]));
    }
    const rows = await database.asOwner<{ note: string }>("select note from thing");
    expect(new Set(rows.map((row) => row.note))).toEqual(new Set(payloads));
  });

  it("P-04 refuses what Postgres cannot store without telling it back", async () => {
    const error: unknown = await database
      .unitOfWork()
      .commit(draftAt(at), (tx) => tx.rows(insertThing, [uuidv7(at), "zero \u0000 byte"]))
      .catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(GatehouseError);
    expect(String(error)).not.toContain("zero");
    expect(await database.asOwner("select 1 from thing where note like 'zero%'")).toEqual([]);
  });
});
