// LISTEN and NOTIFY as a hint: a replica hears at once, and whatever becomes of the hint, it hears all the same.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { FeedEvent } from "../../../src/kernel/database.ts";
import { createFeedTail } from "../../../src/postgres/feed.ts";
import { listenToFeed } from "../../../src/postgres/feed-hints.ts";
import { draftAt } from "../../fixtures/audit-draft.ts";
import { startTestDatabase, type TestDatabase } from "../../fixtures/database.ts";
import { silentLogger } from "../../fixtures/silent-logger.ts";

const clock = { now: () => new Date() };
const anHour = 3_600_000;
/** The machine may be busy; nothing here is about how long it takes. */
const patience = { timeout: 20_000 };
let database: TestDatabase;
beforeAll(async () => {
  database = await startTestDatabase();
});
afterAll(() => database.drop());

const announce = (key: string) =>
  database.unitOfWork().commit(draftAt(clock.now()), async (tx) => {
    tx.announce({ kind: "session", key, expiresAt: new Date(Date.now() + anHour) });
  });

function listen(onHint: () => void, port?: number) {
  const app = database.connection("app");
  const connection = port === undefined ? app : { ...app, host: "127.0.0.1", port };
  return listenToFeed({ connection, logger: silentLogger, onHint, retryMs: 10 });
}

/** As the same login, which alone may end them. Answers how many there are. */
async function listeners(act: "count" | "end"): Promise<number> {
  const text = `select ${act === "end" ? "pg_terminate_backend(pid)" : "pid"} from pg_stat_activity
    where datname = current_database() and query like 'listen %'`;
  return (await database.reader.rows({ name: `test.${act}_listeners`, text }, [])).length;
}

describe("hints of the feed", () => {
  it("bring what was committed elsewhere long before the clock would", async () => {
    const seen: string[] = [];
    const onEvents = (events: readonly FeedEvent[]) => void seen.push(...events.map(({ key }) => key));
    const tail = createFeedTail({ reader: database.reader, clock, logger: silentLogger, onEvents, intervalMs: anHour });
    await tail.start();
    const hints = listen(tail.hint);
    await announce("a");
    await expect.poll(() => seen, patience).toContain("a");
    await announce("b");
    await expect.poll(() => seen, patience).toEqual(["a", "b"]);
    await hints.stop();
    await tail.stop();
  });

  it("come once for each commit and not for one that was undone", async () => {
    let heard = 0;
    const hints = listen(() => void heard++);
    // The first says that somebody listens now.
    await expect.poll(() => heard, patience).toBe(1);
    await expect(
      database.unitOfWork().commit(draftAt(clock.now()), async (tx) => {
        tx.announce({ kind: "session", key: "x", expiresAt: clock.now() });
        await tx.rows({ name: "test.fails", text: "select 1 / $1::integer as one" }, [0]);
      }),
    ).rejects.toThrow();
    await announce("c");
    await expect.poll(() => heard, patience).toBe(2);
    await hints.stop();
  });

  it("come again after the connection was lost", async () => {
    let heard = 0;
    const hints = listen(() => void heard++);
    await expect.poll(() => heard, patience).toBe(1);
    // Those of tests before hung up without goodbye, and Postgres may not have come to it.
    await expect.poll(() => listeners("count"), patience).toBe(1);
    expect(await listeners("end")).toBe(1);
    await expect.poll(() => heard, patience).toBe(2);
    await announce("d");
    await expect.poll(() => heard, patience).toBe(3);
    await hints.stop();
  });

  it("are missed by nobody when there are none: the clock brings the event, and stopping waits for nothing", async () => {
    const seen: string[] = [];
    const onEvents = (events: readonly FeedEvent[]) => void seen.push(...events.map(({ key }) => key));
    const tail = createFeedTail({ reader: database.reader, clock, logger: silentLogger, onEvents, intervalMs: 10 });
    await tail.start();
    const hints = listen(() => tail.hint(), 1);
    await announce("e");
    await expect.poll(() => seen, patience).toContain("e");
    await hints.stop();
    await tail.stop();
  });
});
