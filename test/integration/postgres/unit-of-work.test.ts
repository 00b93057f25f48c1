// The unit of work against a real server: everything or nothing, whatever fails and whenever.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { AuditDraft, AuditWriter } from "../../../src/kernel/audit.ts";
import { isUniqueViolation, type Statement, type Transaction } from "../../../src/kernel/database.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";

const at = new Date("2026-11-21T10:00:00Z");
const insertThing: Statement = { name: "test.insert_thing", text: "insert into thing (id, note) values ($1, $2)" };
const insertRecord: Statement = { name: "test.insert_record", text: "insert into record (id, event) values ($1, $2)" };
const countThings: Statement = { name: "test.count_things", text: "select count(*) as n from thing" };
const broken: Statement = { name: "test.broken", text: "select 1 / $1::integer" };

const draftOf = (event?: string): AuditDraft => draftAt(at, event);

const audit: AuditWriter = {
  prepare: (draft) => ({ draft }),
  insert: async (tx, records) => {
    await Promise.all(
      records.map(({ draft }) => tx.rows(insertRecord, [draft.eventId, `${draft.event} ${draft.resources.length}`])),
    );
  },
};

const revoked = { kind: "session", key: "s1", expiresAt: new Date("2026-11-22T10:00:00Z") } as const;

async function reasonOf(running: Promise<unknown>): Promise<unknown> {
  const error: unknown = await running.then(
    () => "nothing thrown",
    (thrown: unknown) => thrown,
  );
  return error instanceof GatehouseError ? error.reason : error;
}

describe("unit of work", () => {
  let database: TestDatabase;

  beforeAll(async () => {
    database = await startTestDatabase();
    await database.asOwner(`
      create table thing (id uuid primary key, note text not null, constraint thing_note_once unique (note));
      create table record (id uuid primary key, event text not null);
      grant select, insert, update on thing, record to gatehouse_app`);
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    await database.asOwner("truncate thing, record, feed cascade; update feed_head set number = 0");
  });

  async function state(): Promise<{ things: number; records: number; events: number }> {
    const [row] = await database.asOwner<{ things: number; records: number; events: number }>(
      "select (select count(*) from thing) as things, (select count(*) from record) as records, (select count(*) from feed) as events",
    );
    if (row === undefined) throw new Error("no row");
    return row;
  }

  it("DAT-09 commits the effect, its record and its feed events together", async () => {
    const id = uuidv7(at);
    const before = database.committed.length;
    const answer = await database.unitOfWork(audit).commit(draftOf(), async (tx) => {
      await tx.rows(insertThing, [id, "one"]);
      tx.announce(revoked);
      return "done";
    });
    expect(answer).toBe("done");
    expect(await state()).toEqual({ things: 1, records: 1, events: 1 });
    expect(database.committed.slice(before)).toEqual([revoked]);
  });

  it("stores the draft as work left it", async () => {
    const draft = draftOf();
    await database.unitOfWork(audit).commit(draft, async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      draft.event = "thing.changed";
      draft.resources.push({ type: "thing", uid: "1" });
    });
    expect(await database.asOwner("select event from record")).toEqual([{ event: "thing.changed 1" }]);
  });

  it("DAT-09 stores a record even when work sends no statement", async () => {
    await database.unitOfWork(audit).commit(draftOf(), async () => {});
    expect(await state()).toEqual({ things: 0, records: 1, events: 0 });
  });

  it("DAT-09 commits what only announces", async () => {
    await database.unitOfWork().commit(draftOf(), async (tx) => tx.announce(revoked));
    expect(await state()).toEqual({ things: 0, records: 0, events: 1 });
  });

  type Step = (tx: Transaction) => Promise<unknown>;
  const failures: Record<string, Step> = {
    "the first statement fails": async (tx) => {
      await tx.rows(broken, [0]);
    },
    "a later statement fails": async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      await tx.rows(broken, [0]);
    },
    "a failed statement is swallowed": async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      await tx.rows(broken, [0]).catch(() => {});
    },
    "a failed statement is never awaited": async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      tx.rows(broken, [0]).catch(() => {});
    },
    "a parameter cannot be encoded": async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      const circular: Record<string, unknown> = {};
      circular.self = circular;
      await tx.rows(insertThing, [uuidv7(at), circular]).catch(() => {});
    },
    "work throws by itself": async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      throw new GatehouseError("SECRET_VERSION_CONFLICT");
    },
  };
  for (const [name, step] of Object.entries(failures)) {
    it(`DAT-09 nothing happened when ${name}`, async () => {
      const reason = await reasonOf(
        database.unitOfWork(audit).commit(draftOf(), async (tx) => {
          tx.announce(revoked);
          await step(tx);
        }),
      );
      expect(["INTERNAL", "SECRET_VERSION_CONFLICT"]).toContain(reason);
      expect(await state()).toEqual({ things: 0, records: 0, events: 0 });
      // And the connection is as good as before.
      expect(await database.reader.rows(countThings, [])).toEqual([{ n: 0 }]);
    });
  }

  const auditFailures: Record<string, AuditWriter["insert"]> = {
    "its statement fails": async (tx) => {
      await tx.rows(broken, [0]);
    },
    "its parameter cannot be encoded": async (tx, [record]) => {
      await tx.rows(insertRecord, [
        record?.draft.eventId,
        {
          toPostgres: () => {
            throw new TypeError("no");
          },
        },
      ]);
    },
    "its statement's name is used for another text": async (tx, [record]) => {
      await tx.rows({ name: insertThing.name, text: insertRecord.text }, [record?.draft.eventId, "x"]);
    },
    "it throws before it sends anything": async () => {
      throw new GatehouseError("EVENT_TOO_LARGE");
    },
    "it throws at once": () => {
      throw new TypeError("no promise");
    },
    "it fails after a wait": async (tx) => {
      await new Promise((resume) => setImmediate(resume));
      await tx.rows(broken, [0]);
    },
  };
  for (const [name, insert] of Object.entries(auditFailures)) {
    it(`DAT-09 nothing happened when the record cannot be written because ${name}`, async () => {
      const running = database.unitOfWork({ ...audit, insert }).commit(draftOf(), async (tx) => {
        await tx.rows(insertThing, [uuidv7(at), "one"]);
        tx.announce(revoked);
      });
      await expect(running).rejects.toThrow();
      expect(await state()).toEqual({ things: 0, records: 0, events: 0 });
    });
  }

  it("DAT-09 nothing happened when the feed refuses an event", async () => {
    const wrong = { ...revoked, kind: "no kind" as "session" };
    const running = database.unitOfWork(audit).commit(draftOf(), async (tx) => {
      await tx.rows(insertThing, [uuidv7(at), "one"]);
      tx.announce(wrong);
    });
    await expect(running).rejects.toThrow();
    expect(await state()).toEqual({ things: 0, records: 0, events: 0 });
    expect(await database.asOwner("select number from feed_head")).toEqual([{ number: 0 }]);
  });

  it("DAT-09 nothing happened when COMMIT itself fails", async () => {
    await database.asOwner(`
      create table child (id uuid primary key, parent uuid references thing (id) deferrable initially deferred);
      grant select, insert on child to gatehouse_app`);
    const insertChild: Statement = {
      name: "test.insert_child",
      text: "insert into child (id, parent) values ($1, $2)",
    };
    const reason = await reasonOf(
      database.unitOfWork(audit).commit(draftOf(), (tx) => tx.rows(insertChild, [uuidv7(at), uuidv7(at)])),
    );
    expect(reason).toBe("INTERNAL");
    expect(await state()).toEqual({ things: 0, records: 0, events: 0 });
  });

  it("says which unique constraint stands against it", async () => {
    const work = (tx: Transaction): Promise<unknown> => tx.rows(insertThing, [uuidv7(at), "same"]);
    await database.unitOfWork(audit).commit(draftOf(), work);
    const error: unknown = await database
      .unitOfWork(audit)
      .commit(draftOf(), work)
      .catch((thrown: unknown) => thrown);
    expect(isUniqueViolation(error, "thing_note_once")).toBe(true);
    expect(isUniqueViolation(error, "thing_pkey")).toBe(false);
    expect(String(error)).not.toContain("same");
  });

  it("tries again when Postgres undoes it for a deadlock, and records once", async () => {
    const [one, two] = [uuidv7(at), uuidv7(at)];
    await database.asOwner("insert into thing (id, note) values ($1, 'one'), ($2, 'two')", [one, two]);
    const touch: Statement = { name: "test.touch", text: "update thing set note = note || '.' where id = $1" };
    let attempts = 0;
    const both = Promise.withResolvers<void>();
    let waiting = 0;
    const crossing = (first: string, second: string): Promise<unknown> => {
      const draft = draftOf();
      return database.unitOfWork(audit).commit(draft, async (tx) => {
        attempts += 1;
        draft.resources.push({ type: "thing", uid: first });
        await tx.rows(touch, [first]);
        waiting += 1;
        if (waiting === 2) both.resolve();
        await both.promise;
        await tx.rows(touch, [second]);
      });
    };
    await Promise.all([crossing(one, two), crossing(two, one)]);
    expect(attempts).toBe(3);
    expect(await database.asOwner("select note from thing order by note")).toEqual([
      { note: "one.." },
      { note: "two.." },
    ]);
    expect(await database.asOwner("select event from record")).toEqual([
      { event: "thing.made 1" },
      { event: "thing.made 1" },
    ]);
  });

  it("gives up after five attempts", async () => {
    await database.asOwner(`
      create or replace function always_undone() returns trigger language plpgsql as
        $$ begin raise exception 'no' using errcode = '40001'; end $$;
      create trigger undone before insert on thing for each row when (new.note = 'undone') execute function always_undone()`);
    let attempts = 0;
    const running = database.unitOfWork(audit).commit(draftOf(), async (tx) => {
      attempts += 1;
      await tx.rows(insertThing, [uuidv7(at), "undone"]);
    });
    await expect(running).rejects.toThrow();
    expect(attempts).toBe(5);
  });

  it("tells an audit writer that sends more after COMMIT has left", async () => {
    const insert: AuditWriter["insert"] = async (tx, [record]) => {
      await tx.rows(insertRecord, [record?.draft.eventId, "first"]);
      await tx.rows(insertRecord, [uuidv7(at), "too late"]);
    };
    await expect(database.unitOfWork({ ...audit, insert }).commit(draftOf(), async () => {})).rejects.toThrow();
  });

  it("refuses statements after its end", async () => {
    let kept: Transaction | undefined;
    await database.unitOfWork(audit).commit(draftOf(), async (tx) => {
      kept = tx;
    });
    await expect(kept?.rows(insertThing, [uuidv7(at), "late"])).rejects.toThrow("the transaction is over");
    expect(() => kept?.announce(revoked)).toThrow("the transaction is over");
  });

  it("the lone writer commits one statement, or nothing", async () => {
    expect(
      await database.writer.write({ name: "test.lone", text: `${insertThing.text} returning note` }, [uuidv7(at), "a"]),
    ).toEqual([{ note: "a" }]);
    await expect(database.writer.write(insertThing, [uuidv7(at), "a"])).rejects.toThrow("a unique value is taken");
    expect(await state()).toEqual({ things: 1, records: 0, events: 0 });
  });

  it("SEC-04 a write outside a transaction is refused by Postgres", async () => {
    expect(await reasonOf(database.reader.rows(insertThing, [uuidv7(at), "stray"]))).toBe("INTERNAL");
    expect(await state()).toEqual({ things: 0, records: 0, events: 0 });
  });
});
