// Writing the trail on a real database: with an effect, without one, many at once, and when something is wrong.
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Statement } from "../../../src/kernel/database.ts";
import { GatehouseError } from "../../../src/kernel/errors.ts";
import { uuidv7 } from "../../../src/kernel/ids.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { draftOf } from "../../fakes/audit-draft.ts";
import { openSliceWorld, type SliceWorld } from "../../fixtures/slice-world.ts";

let world: SliceWorld;
let anna: Principal;

beforeAll(async () => {
  world = await openSliceWorld();
  anna = await world.principal();
});
afterAll(() => world.close());

const draft = (given = {}) => draftOf({ subjectId: anna.id, ...given });

async function rowsOf(ids: readonly string[]) {
  return world.database.asOwner<{ id: string; event: string; subject: string | null }>(
    "select id, event, subject from audit_event where id = any($1::uuid[]) order by id",
    [ids],
  );
}

const addSecret: Statement = {
  name: "test.add_secret",
  text: "insert into secret (id, path, current_version, created_at, updated_at) values ($1, $2, 1, '2026-01-01Z', '2026-01-01Z')",
};

async function isStored(path: string): Promise<boolean> {
  return (await world.database.asOwner("select id from secret where path = $1", [path])).length === 1;
}

describe("a record with an effect", () => {
  it("DAT-09 is there exactly when its effect is", async () => {
    const [kept, undone] = [draft(), draft()];
    await world.unitOfWork.commit(kept, async (tx) => tx.rows(addSecret, [uuidv7(new Date()), "kept"]));
    const failing = world.unitOfWork.commit(undone, async (tx) => {
      await tx.rows(addSecret, [uuidv7(new Date()), "undone"]);
      throw new GatehouseError("SECRET_NOT_FOUND");
    });
    await expect(failing).rejects.toMatchObject({ reason: "SECRET_NOT_FOUND" });
    expect([await isStored("kept"), await isStored("undone")]).toEqual([true, false]);
    expect((await rowsOf([kept.eventId, undone.eventId])).map(({ id }) => id)).toEqual([kept.eventId]);
  });

  it("DAT-09 that cannot be stored takes its effect back", async () => {
    const first = draft();
    await world.audit.recorder.record(first);
    const same = world.unitOfWork.commit(draft({ eventId: first.eventId }), async (tx) =>
      tx.rows(addSecret, [uuidv7(new Date()), "taken-back"]),
    );
    await expect(same).rejects.toThrow();
    const unfit = world.unitOfWork.commit(draft({ actor: { id: "no uuid", kind: "person" } }), async (tx) =>
      tx.rows(addSecret, [uuidv7(new Date()), "taken-back"]),
    );
    await expect(unfit).rejects.toThrow();
    expect(await isStored("taken-back")).toBe(false);
  });

  it("is sealed for whom the transaction itself found out that it concerns", async () => {
    const unknown = draft({ subjectId: undefined });
    await world.unitOfWork.commit(unknown, async () => {
      unknown.subjectId = anna.id;
    });
    const anonymous = draft({ subjectId: undefined });
    await world.unitOfWork.commit(anonymous, async () => {});
    expect((await rowsOf([unknown.eventId]))[0]?.subject).toBe(anna.id);
    expect((await rowsOf([anonymous.eventId]))[0]?.subject).toMatch(/^unattributed-\d{4}-\d\d$/);
  });

  it("DAT-09 of somebody without a key is still possible", async () => {
    const stranger = draft({ subjectId: uuidv7(new Date()) });
    await world.audit.recorder.record(stranger);
    expect((await rowsOf([stranger.eventId]))[0]?.subject).toMatch(/^unattributed-/);
  });
});

describe("records without an effect", () => {
  it("AUD-06 are each there once when many arrive at once, beside those with an effect", async () => {
    const alone = Array.from({ length: 300 }, () => draft());
    const together = Array.from({ length: 40 }, () => draft());
    await Promise.all([
      ...alone.map((one) => world.audit.recorder.record(one)),
      ...together.map((one) => world.unitOfWork.commit(one, async () => {})),
    ]);
    const ids = [...alone, ...together].map(({ eventId }) => eventId);
    expect((await rowsOf(ids)).map(({ id }) => id)).toEqual(ids.toSorted());
  });

  it("AUD-10 that Postgres refuses take no other with them", async () => {
    const drafts = Array.from({ length: 40 }, (_, index) =>
      index === 17 ? draft({ actor: { id: "no uuid", kind: "person" } }) : draft(),
    );
    const settled = await Promise.allSettled(drafts.map((one) => world.audit.recorder.record(one)));
    expect(
      settled.map(({ status }, index) => (status === "rejected" ? index : -1)).filter((index) => index >= 0),
    ).toEqual([17]);
    expect(await rowsOf(drafts.map(({ eventId }) => eventId))).toHaveLength(39);
  });

  it("AUD-10 hold whatever they were sent, NUL and all, as one row", async () => {
    const hostile = "\0\r\n\u2028\u001b[2J\"}{\u202e'); drop table audit_event; --";
    const one = draft({
      event: hostile,
      method: hostile,
      requestId: hostile,
      resources: [{ type: hostile, uid: hostile }],
      personal: { loginName: hostile.repeat(10_000), userAgent: hostile },
      details: { [hostile]: hostile },
    });
    await world.audit.recorder.record(one);
    expect(await rowsOf([one.eventId])).toHaveLength(1);
  });

  it("that were stored already are not stored twice, nor changed", async () => {
    const first = draft({ event: "first" });
    await world.audit.recorder.record(first);
    await world.audit.recorder.record(draft({ eventId: first.eventId, event: "second" }));
    expect(await rowsOf([first.eventId])).toMatchObject([{ event: "first" }]);
  });
});

describe("the trail", () => {
  it("SEC-04 AUD-12 is only added to by the product's own login, which can neither change nor delete nor empty it", async () => {
    await world.audit.recorder.record(draft());
    for (const text of [
      "update audit_event set event = 'x'",
      "delete from audit_event",
      "truncate audit_event",
      "alter table audit_event disable trigger all",
      "drop table audit_event",
    ]) {
      const attempt = world.database.writer.write({ name: `test.${text.slice(0, 20)}`, text }, []);
      await expect(attempt).rejects.toMatchObject({
        cause: { message: expect.stringMatching(/permission denied|must be owner/) },
      });
    }
  });

  it("AUD-12 has no method that changes or deletes", () => {
    expect(Object.keys(world.audit.bindings[0]?.handlers ?? {})).toEqual(["appendEvent", "queryEvents", "getEvent"]);
  });
});
