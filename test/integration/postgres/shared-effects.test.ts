// Effects that share a transaction, against a real server: each with its record or not at all, whatever the others do.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditDraft, AuditWriter } from "../../../src/kernel/audit.ts";
import type { Statement } from "../../../src/kernel/database.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import type { SharedEffect } from "../../../src/kernel/unit-of-work.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";

const at = new Date("2026-11-21T10:00:00Z");
const insertRecord: Statement = { name: "test.insert_record", text: "insert into record (id, event) values ($1, $2)" };
const raise: Statement = {
  name: "test.raise",
  text: `
    with held as (
      select t.id, g.place from unnest($1::int[]) with ordinality as g(id, place) join thing as t on t.id = g.id
      where t.count < 3 for update of t skip locked
    )
    update thing as t set count = t.count + 1, transaction = pg_current_xact_id()::text
    from held where t.id = held.id returning held.place::int as place, t.count`,
};

const raised: SharedEffect<number, number> = {
  async apply(tx, inputs) {
    const rows = await tx.rows<{ place: number; count: number }>(raise, [inputs]);
    const counts = new Map(rows.map(({ place, count }) => [place - 1, count]));
    return inputs.map((_, place) => counts.get(place));
  },
};

const audit: AuditWriter = {
  prepare: (draft) => ({ draft }),
  async insert(tx, records) {
    if (records.some(({ draft }) => draft.event === "too.large")) throw new GatehouseError("EVENT_TOO_LARGE");
    await Promise.all(records.map(({ draft }) => tx.rows(insertRecord, [draft.eventId, draft.event])));
  },
};

const draftOf = (event = "thing.raised"): AuditDraft => draftAt(at, event);

describe("a shared effect", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await startTestDatabase();
    await database.asOwner(`
      create table thing (id int primary key, count int not null, transaction text);
      create table record (id uuid primary key, event text not null);
      grant select, insert, update on thing, record to gatehouse_app`);
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await database.asOwner("truncate thing, record");
    await database.asOwner("insert into thing select i, 0 from generate_series(1, 100) as i");
  });

  const things = () =>
    database.asOwner<{ id: number; count: number; transaction: string }>(
      "select * from thing where count > 0 order by id",
    );
  const records = () => database.asOwner<{ id: string; event: string }>("select * from record");
  const reasonOf = (running: Promise<unknown>) =>
    running.then(
      (answer) => answer,
      (error: unknown) => (error instanceof GatehouseError ? error.reason : error),
    );

  it("DAT-09 takes those that come together into few transactions, each with its record", async () => {
    const unit = database.unitOfWork(audit);
    const drafts = Array.from({ length: 100 }, () => draftOf());
    const answers = await Promise.all(drafts.map((draft, index) => unit.commitTogether(draft, raised, index + 1)));
    expect(answers).toEqual(drafts.map(() => 1));
    const stored = await things();
    expect(stored.map(({ count }) => count)).toEqual(drafts.map(() => 1));
    expect(new Set(stored.map(({ transaction }) => transaction)).size).toBeLessThan(10);
    expect(new Set((await records()).map(({ id }) => id))).toEqual(new Set(drafts.map(({ eventId }) => eventId)));
  });

  it("records nothing of those it does not apply to", async () => {
    await database.asOwner("update thing set count = 3 where id = 2");
    const unit = database.unitOfWork(audit);
    const [first, second, third] = [draftOf(), draftOf(), draftOf()];
    const answers = await Promise.all([
      unit.commitTogether(first, raised, 1),
      unit.commitTogether(second, raised, 2),
      unit.commitTogether(third, raised, 3),
    ]);
    expect(answers).toEqual([1, undefined, 1]);
    expect(new Set((await records()).map(({ id }) => id))).toEqual(new Set([first.eventId, third.eventId]));
    expect(await reasonOf(unit.commitTogether(draftOf(), raised, 2))).toBeUndefined();
    expect(await records()).toHaveLength(2);
  });

  it("applies once to two that want the same", async () => {
    const unit = database.unitOfWork(audit);
    const answers = await Promise.all([1, 1, 1].map((id) => unit.commitTogether(draftOf(), raised, id)));
    expect(answers.filter((answer) => answer !== undefined)).toEqual([1]);
    expect([await things(), await records()]).toMatchObject([[{ id: 1, count: 1 }], [{}]]);
  });

  it("passes over what somebody else holds, and waits for nobody", async () => {
    const unit = database.unitOfWork(audit);
    const held = Promise.withResolvers<void>();
    const answers = Promise.withResolvers<readonly unknown[]>();
    const holding = database.transact(async (tx) => {
      await tx.rows({ name: "test.hold", text: "select id from thing where id = 5 for update" }, []);
      held.resolve();
      await answers.promise;
    });
    await held.promise;
    answers.resolve(await Promise.all([4, 5, 6].map((id) => unit.commitTogether(draftOf(), raised, id))));
    await holding;
    expect(await answers.promise).toEqual([1, undefined, 1]);
  });

  it("DAT-09 one whose record cannot be written undoes all, and each may go on alone", async () => {
    const unit = database.unitOfWork(audit);
    const together = await Promise.all([
      unit.commitTogether(draftOf(), raised, 1),
      unit.commitTogether(draftOf("too.large"), raised, 2),
      unit.commitTogether(draftOf(), raised, 3),
    ]);
    expect(together).toEqual([undefined, undefined, undefined]);
    expect([await things(), await records()]).toEqual([[], []]);
    expect(await reasonOf(unit.commitTogether(draftOf("too.large"), raised, 2))).toBe("EVENT_TOO_LARGE");
    expect(await reasonOf(unit.commitTogether(draftOf(), raised, 3))).toBe(1);
  });

  it("DAT-09 an effect that fails undoes all", async () => {
    const failing: SharedEffect<number, number> = {
      async apply(tx, inputs) {
        const answers = await raised.apply(tx, inputs);
        if (inputs.includes(13)) await tx.rows({ name: "test.broken", text: "select 1 / $1::integer" }, [0]);
        return answers;
      },
    };
    const unit = database.unitOfWork(audit);
    const answers = await Promise.all([12, 13].map((id) => unit.commitTogether(draftOf(), failing, id)));
    expect(answers).toEqual([undefined, undefined]);
    expect([await things(), await records()]).toEqual([[], []]);
    expect(await unit.commitTogether(draftOf(), failing, 12)).toBe(1);
  });

  it("refuses an effect that answers for another number of inputs", async () => {
    const short: SharedEffect<number, number> = { apply: async () => [] };
    await expect(database.unitOfWork(audit).commitTogether(draftOf(), short, 1)).rejects.toThrow("another number");
    expect(await records()).toEqual([]);
  });

  it("tells what was announced once it is committed", async () => {
    const event = { kind: "session", key: "s9", expiresAt: new Date("2026-11-22T10:00:00Z") } as const;
    const telling: SharedEffect<number, number> = {
      async apply(tx, inputs) {
        tx.announce(event);
        return await raised.apply(tx, inputs);
      },
    };
    const before = database.committed.length;
    await database.unitOfWork(audit).commitTogether(draftOf(), telling, 1);
    expect(database.committed.slice(before)).toEqual([event]);
  });
});
