// The feed: nothing is skipped, whatever the order of commits, and a tail that lags knows it.
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import type { Clock } from "../../../src/kernel/clock.ts";
import type { FeedEvent, Reader } from "../../../src/kernel/database.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { collectExpired, createFeedTail, type FeedTail } from "../../../src/postgres/feed.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

const start = new Date("2026-11-21T10:00:00Z");
/** The machine may be busy; the clock that counts here is the test's. */
const patience = { timeout: 20_000 };
const later = (milliseconds: number): Date => new Date(start.getTime() + milliseconds);
const eventOf = (key: string, expiresAt = later(60_000)): FeedEvent => ({ kind: "session", key, expiresAt });

describe("feed", () => {
  let database: TestDatabase;
  let now: Date;
  const clock: Clock = { now: () => now };

  beforeAll(async () => {
    database = await startTestDatabase({ poolSize: 20 });
  });
  afterAll(() => database.drop());
  beforeEach(async () => {
    now = start;
    await database.asOwner("truncate feed; update feed_head set number = 0");
  });

  const announce = (...events: readonly FeedEvent[]): Promise<unknown> =>
    database.unitOfWork().commit(draftAt(start), async (tx) => {
      for (const event of events) tx.announce(event);
    });

  function tailOf(reader: Reader = database.reader): { tail: FeedTail; seen: FeedEvent[] } {
    const seen: FeedEvent[] = [];
    const onEvents = (events: readonly FeedEvent[]): void => void seen.push(...events);
    return { seen, tail: createFeedTail({ reader, clock, logger: silentLogger, onEvents, intervalMs: 5 }) };
  }

  it("hands over what lives at the start, in order, then what comes", async () => {
    await announce(eventOf("a"), eventOf("b"));
    await announce(eventOf("dead", later(0)));
    const { tail, seen } = tailOf();
    await tail.start();
    await tail.stop();
    expect(seen).toEqual([eventOf("a"), eventOf("b")]);
    await announce({ kind: "token", key: "c", expiresAt: later(1) });
    await tail.poll();
    expect(seen.at(-1)).toEqual({ kind: "token", key: "c", expiresAt: later(1) });
    await tail.poll();
    expect(seen).toHaveLength(3);
  });

  it("polls by itself until it is stopped", async () => {
    const { tail, seen } = tailOf();
    await tail.start();
    await announce(eventOf("a"));
    await expect.poll(() => seen.length, patience).toBe(1);
    await tail.stop();
    await announce(eventOf("b"));
    await new Promise((resume) => setTimeout(resume, 30));
    expect(seen).toHaveLength(1);
  });

  it("reads more than a page", async () => {
    await announce(...Array.from({ length: 2_500 }, (_, index) => eventOf(String(index))));
    const { tail, seen } = tailOf();
    await tail.poll();
    expect(seen.map((event) => event.key)).toEqual(Array.from({ length: 2_500 }, (_, index) => String(index)));
  });

  it("skips nothing when a transaction that began first commits last", async () => {
    const { tail, seen } = tailOf();
    const begun = Promise.withResolvers<void>();
    const mayEnd = Promise.withResolvers<void>();
    const late = database.unitOfWork().commit(draftAt(start), async (tx) => {
      await tx.rows({ name: "test.first", text: "select pg_current_xact_id()" }, []);
      tx.announce(eventOf("late"));
      begun.resolve();
      await mayEnd.promise;
    });
    await begun.promise;
    await announce(eventOf("early"));
    await tail.poll();
    expect(seen.map((event) => event.key)).toEqual(["early"]);
    mayEnd.resolve();
    await late;
    await tail.poll();
    expect(seen.map((event) => event.key)).toEqual(["early", "late"]);
  });

  it("skips nothing under many concurrent commits, some undone, while it is read all the time", async () => {
    const { tail, seen } = tailOf();
    let writing = true;
    const reading = (async () => {
      while (writing) await tail.poll();
    })();
    const writers = Array.from({ length: 16 }, async (_, writer) => {
      for (let turn = 0; turn < 25; turn += 1) {
        const fails = (writer + turn) % 7 === 0;
        const running = database.unitOfWork().commit(draftAt(start), async (tx) => {
          tx.announce(eventOf(`${writer}.${turn}`));
          await tx.rows({ name: "test.nothing", text: "select $1::integer" }, [fails ? "no number" : 1]);
        });
        if (fails) await expect(running).rejects.toThrow();
        else await running;
      }
    });
    await Promise.all(writers);
    writing = false;
    await reading;
    await tail.poll();
    const rows = await database.asOwner<{ number: number; key: string }>(
      "select number, key from feed order by number",
    );
    expect(rows.map((row) => row.number)).toEqual(rows.map((_, index) => index + 1));
    expect(seen.map((event) => event.key)).toEqual(rows.map((row) => row.key));
    expect(rows.length).toBe(
      16 * 25 -
        Array.from({ length: 400 }, (_, i) => (Math.floor(i / 25) + (i % 25)) % 7).filter((n) => n === 0).length,
    );
  });

  it("reads everything again when the database was set back", async () => {
    await announce(eventOf("a"), eventOf("b"), eventOf("c"));
    const { tail, seen } = tailOf();
    await tail.poll();
    await database.asOwner("delete from feed where number > 1; update feed_head set number = 1");
    await announce(eventOf("other"));
    await tail.poll();
    expect(seen.map((event) => event.key)).toEqual(["a", "b", "c", "a", "other"]);
  });

  it("can be read again from any number, from memory and from the database alike", async () => {
    const { tail } = tailOf();
    await announce(eventOf("a"), eventOf("b"));
    await tail.poll();
    await announce(eventOf("c"));
    await tail.poll();
    expect(tail.head).toBe(3);
    const late = tailOf().tail;
    await late.poll();
    for (const reading of [tail, late]) {
      const all = await reading.after(0, now);
      expect({ ...all, events: all.events.map(({ key }) => key) }).toEqual({
        events: ["a", "b", "c"],
        upTo: 3,
        more: false,
      });
      expect(await reading.after(2, now)).toEqual({ events: [eventOf("c")], upTo: 3, more: false });
      expect(await reading.after(3, now)).toEqual({ events: [], upTo: 3, more: false });
    }
    // A process that has told nothing yet has nothing in memory.
    const silent = tailOf().tail;
    expect(await silent.after(1, now)).toEqual({ events: [eventOf("b"), eventOf("c")], upTo: 3, more: false });
    const { reader } = database;
    await announce(...Array.from({ length: 1_500 }, (_, index) => eventOf(String(index))));
    const page = await createFeedTail({ reader, clock, logger: silentLogger, onEvents: () => {} }).after(3, now);
    expect([page.events.length, page.upTo, page.more]).toEqual([1_000, 1_003, true]);
  });

  it("tells who waits of each look that was answered, and counts an era for each time the database was set back", async () => {
    const { tail } = tailOf();
    await announce(eventOf("a"), eventOf("b"));
    const never = new AbortController();
    const looked = tail.looked(never.signal);
    await tail.poll();
    await looked;
    expect(tail.lookedAt()).toEqual(start);
    const aborted = tail.looked(never.signal);
    never.abort();
    await aborted;
    const { era } = tail;
    await database.asOwner("delete from feed where number > 1; update feed_head set number = 1");
    await tail.poll();
    expect(tail.era).toBe(era + 1);
    expect(tail.head).toBe(1);
  });

  it("looks anew for who asks while a look is under way, because that one may not see what is there by now", async () => {
    const mayAnswer = Promise.withResolvers<void>();
    let asked = 0;
    const slow: Reader = {
      rows: async (statement, parameters) => {
        const rows = await database.reader.rows(statement, parameters);
        asked += 1;
        if (asked === 1) await mayAnswer.promise;
        return rows as never;
      },
    };
    const { tail, seen } = tailOf(slow);
    const first = tail.poll();
    await expect.poll(() => asked, patience).toBe(1);
    await announce(eventOf("a"));
    const second = tail.poll();
    mayAnswer.resolve();
    await Promise.all([first, second]);
    expect(seen.map(({ key }) => key)).toEqual(["a"]);
  });

  it("is fresh for less than a second after the last good look, counted from before it", async () => {
    const slow: Reader = {
      rows: async (statement, parameters) => {
        const rows = await database.reader.rows(statement, parameters);
        now = later(400);
        return rows as never;
      },
    };
    const { tail } = tailOf(slow);
    expect(tail.fresh(start)).toBe(false);
    await tail.poll();
    expect(tail.fresh(later(999))).toBe(true);
    expect(tail.fresh(later(1_000))).toBe(false);
    expect(tail.fresh(later(-3_600_000))).toBe(false);
  });

  it("stays stale while the database cannot be read, and catches up by itself", async () => {
    let broken = false;
    const flaky: Reader = {
      rows: async (statement, parameters) => {
        if (broken) throw new GatehouseError("DATABASE_UNAVAILABLE");
        return database.reader.rows(statement, parameters) as never;
      },
    };
    const { tail, seen } = tailOf(flaky);
    await tail.start();
    broken = true;
    now = later(2_000);
    await announce(eventOf("a"));
    await expect(tail.poll()).rejects.toThrow();
    expect(tail.fresh(now)).toBe(false);
    broken = false;
    await expect.poll(() => tail.fresh(now), patience).toBe(true);
    expect(seen).toEqual([eventOf("a")]);
    await tail.stop();
  });

  it("refuses to start without a database", async () => {
    const { tail } = tailOf({ rows: () => Promise.reject(new GatehouseError("DATABASE_UNAVAILABLE")) });
    await expect(tail.start()).rejects.toThrow(GatehouseError);
  });

  it("collects what has expired and nothing else", async () => {
    await announce(eventOf("old", later(1_000)), eventOf("edge", later(2_000)), eventOf("live", later(2_001)));
    expect(await collectExpired(database.writer, later(2_000))).toBe(2);
    expect(await database.asOwner("select key from feed")).toEqual([{ key: "live" }]);
    expect(await database.asOwner("select number from feed_head")).toEqual([{ number: 3 }]);
  });

  it("P-04 keys are data", async () => {
    const keys = ["'); drop table feed; --", "{a,b}", '"quoted"', "back\\slash", "null", ""];
    await announce(...keys.map((key) => eventOf(key)));
    const { tail, seen } = tailOf();
    await tail.poll();
    expect(seen.map((event) => event.key)).toEqual(keys);
  });
});
