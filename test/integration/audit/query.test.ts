// Looking events up: every filter, pages, who may, and that looking leaves a trace that gives nothing away.

import { create, type MessageInitShape } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import {
  type AuditService,
  GetEventRequestSchema,
  Outcome,
  QueryEventsRequestSchema,
  type QueryEventsResponse,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { queryStatement } from "../../../src/audit/audit/store.ts";
import type { AuditDraft } from "../../../src/kernel/audit.ts";
import type { Handlers } from "../../../src/kernel/handler.ts";
import { formatId, uuidv7 } from "../../../src/kernel/ids.ts";
import { unobserved } from "../../../src/kernel/observer.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { draftOf } from "../../fakes/audit-draft.ts";
import { openSliceWorld, type SliceWorld } from "../../fixtures/slice-world.ts";

let world: SliceWorld;
let auditor: Principal;
let anna: Principal;
let service: Handlers<typeof AuditService>;

beforeAll(async () => {
  world = await openSliceWorld();
  [auditor, anna] = [await world.principal(), await world.principal()];
  service = world.audit.bindings[0]?.handlers as unknown as Handlers<typeof AuditService>;
});
afterAll(() => world.close());
beforeEach(async () => {
  await world.database.asOwner("alter table audit_event disable trigger user");
  await world.database.asOwner("truncate audit_event");
  await world.database.asOwner("alter table audit_event enable trigger user");
});

const start = Date.UTC(2026, 10, 21, 7, 0, 0, 0);
const at = (ms: number) => new Date(start + ms);

async function record(given: Partial<AuditDraft> = {}): Promise<string> {
  const draft = draftOf({
    subjectId: anna.id,
    actor: { id: anna.id, kind: "person", sessionId: anna.sessionId, clientId: "cli" },
    ...given,
  });
  await world.audit.recorder.record(draft);
  return formatId("event", draft.eventId);
}

async function query(
  request: MessageInitShape<typeof QueryEventsRequestSchema>,
  who = auditor,
  now?: Date,
): Promise<QueryEventsResponse> {
  const call = world.call(who, { event: "audit.queried", ...(now === undefined ? {} : { now }) });
  const message = create(QueryEventsRequestSchema, request);
  return (await world.answer(call, async () => service.queryEvents(message, call))) as QueryEventsResponse;
}

async function idsOf(filter: MessageInitShape<typeof QueryEventsRequestSchema>["filter"]): Promise<string[]> {
  const { events } = await query({ filter: filter ?? {}, pageSize: 500 });
  return events.filter(({ event }) => event !== "audit.queried").map(({ eventId }) => eventId);
}

describe("QueryEvents", () => {
  it("AUD-12 finds by every filter alone and by all together", async () => {
    const session = "01890000-0000-7000-8000-0000000000cc";
    const wanted = await record({
      occurredAt: at(500),
      event: "authn.login",
      outcome: "FAILURE",
      reason: "WRONG_PASSWORD",
      method: "gatehouse.auth.v1.AuthService/Login",
      actor: { id: auditor.id, kind: "person", sessionId: session, clientId: undefined },
      personal: { address: "2001:db8::1", loginName: "Anna@Example" },
      resources: [
        { type: "principal", uid: "prn_1" },
        { type: "second", uid: "unseen" },
      ],
    });
    await record({ occurredAt: at(0) });
    await record({ occurredAt: at(1_000) });
    const filters = {
      startTime: timestampFromDate(at(500)),
      endTime: timestampFromDate(at(501)),
      actorId: formatId("principal", auditor.id),
      event: "authn.login",
      outcome: Outcome.FAILURE,
      resourceType: "principal",
      resourceUid: "prn_1",
      sessionId: formatId("session", session),
      address: "2001:DB8:0:0::1",
      loginName: "anna@EXAMPLE",
      method: "gatehouse.auth.v1.AuthService/Login",
    };
    for (const [name, value] of Object.entries(filters)) {
      const found = await idsOf({ [name]: value });
      expect([name, found.includes(wanted)]).toEqual([name, true]);
      if (!["startTime", "endTime"].includes(name)) expect([name, found]).toEqual([name, [wanted]]);
    }
    expect(await idsOf(filters)).toEqual([wanted]);
    expect(await idsOf({ ...filters, outcome: Outcome.SUCCESS })).toEqual([]);
  });

  it("takes the first bound of time in and leaves the second out, below the millisecond too", async () => {
    const ids = [
      await record({ occurredAt: at(0) }),
      await record({ occurredAt: at(1) }),
      await record({ occurredAt: at(2) }),
    ];
    const bound = (ms: number, nanos = 0) => ({
      ...timestampFromDate(at(ms)),
      nanos: timestampFromDate(at(ms)).nanos + nanos,
    });
    expect(await idsOf({ startTime: bound(1), endTime: bound(2) })).toEqual([ids[1]]);
    expect(await idsOf({ startTime: bound(0, 1), endTime: bound(1, 1) })).toEqual([ids[1]]);
    expect(await idsOf({ startTime: bound(2, 1) })).toEqual([]);
    expect(await idsOf({ endTime: bound(0) })).toEqual([]);
  });

  it.each([
    ["a time before all time", { seconds: -1n, nanos: 0 }],
    ["a time after all calendars", { seconds: 9_000_000_000_000_000n, nanos: 0 }],
    ["nanos that are none", { seconds: 0n, nanos: 1_000_000_000 }],
  ])("refuses %s, naming the field", async (_title, time) => {
    for (const field of ["start_time", "end_time"]) {
      const filter = field === "start_time" ? { startTime: time } : { endTime: time };
      await expect(query({ filter })).rejects.toMatchObject({
        reason: "REQUEST_INVALID",
        violations: [{ field: `filter.${field}` }],
      });
    }
  });

  it("AZ-08 AUD-08 turns pages newest first, each event once, by the order of ids and not of clocks", async () => {
    const ids: string[] = [];
    for (let i = 0; i < 23; i++)
      ids.push(await record({ eventId: uuidv7(at(i)), occurredAt: at(i % 2 === 0 ? i : i - 40), event: "thing.done" }));
    const found: string[] = [];
    let pageToken = "";
    do {
      const page = await query({ filter: { event: "thing.done" }, pageSize: 5, pageToken });
      expect(page.events.length).toBeLessThanOrEqual(5);
      found.push(...page.events.map(({ eventId }) => eventId));
      pageToken = page.nextPageToken;
      // What happens meanwhile is newer than all pages to come.
      await record({ eventId: uuidv7(at(10_000)), event: "thing.done" });
    } while (pageToken !== "");
    expect(found).toEqual(ids.toReversed());
  });

  it("AZ-08 takes no page token of another filter, another caller, another day, or its own making", async () => {
    for (let i = 0; i < 4; i++) await record({ event: "thing.done" });
    const now = new Date();
    const filter = { event: "thing.done" };
    const { nextPageToken: pageToken } = await query({ filter, pageSize: 2 }, auditor, now);
    const refused = { reason: "PAGE_TOKEN_INVALID" };
    await expect(query({ filter: { event: "thing.doNe" }, pageToken })).rejects.toMatchObject(refused);
    await expect(query({ pageToken })).rejects.toMatchObject(refused);
    await expect(query({ filter, pageToken }, anna)).rejects.toMatchObject(refused);
    await expect(query({ filter, pageToken }, auditor, new Date(now.getTime() + 3_600_000))).rejects.toMatchObject(
      refused,
    );
    await expect(query({ filter, pageToken: `${pageToken}A` })).rejects.toMatchObject(refused);
    await expect(query({ filter, pageToken: uuidv7(now) })).rejects.toMatchObject(refused);
    expect((await query({ filter, pageSize: 500, pageToken }, auditor, now)).events).toHaveLength(2);
  });

  it("AUD-12 P-12 is itself an event, which holds the filter but not the person that was searched for", async () => {
    await record();
    await query({
      filter: { event: "secret.read", address: "203.0.113.99", loginName: "canary@example", outcome: Outcome.SUCCESS },
    });
    const { events } = await query({ filter: { event: "audit.queried" } });
    expect(events[0]).toMatchObject({
      actorId: formatId("principal", auditor.id),
      details: {
        events: 0,
        filter: { event: "secret.read", outcome: "SUCCESS", address: "[personal]", login_name: "[personal]" },
      },
    });
    expect(JSON.stringify(events[0]?.details)).not.toMatch(/canary|203\.0/);
  });

  it("P-04 T-10 takes injected text for text, NUL included", async () => {
    const hostile = "'; drop table audit_event; --";
    const id = await record({ event: hostile, resources: [{ type: "secret", uid: "a\0b" }] });
    expect(await idsOf({ event: hostile })).toEqual([id]);
    expect(await idsOf({ resourceUid: "a\0b" })).toEqual([id]);
    for (const text of ["%", "' or true --", "\0", "$1"]) {
      expect(
        await idsOf({
          event: text,
          method: text,
          resourceUid: text,
          resourceType: text,
          address: text,
          loginName: text,
        }),
      ).toEqual([]);
    }
  });

  it("DAT-09 personal data of an erased subject is gone, and the event still stands", async () => {
    const person = await world.principal();
    const id = await record({ subjectId: person.id, personal: { address: "192.0.2.99" } });
    await world.database.asOwner(
      "update subject_key set wrapped = null, erased_at = '2026-11-22Z' where subject = $1",
      [person.id],
    );
    const fresh = await openSecondReader();
    const call = world.call(auditor, {});
    const shown = await fresh.getEvent(create(GetEventRequestSchema, { eventId: id }), call);
    expect(shown).toMatchObject({
      event: { eventId: id, erased: true, address: "", userAgent: "" },
      personalSalt: new Uint8Array(),
    });
    expect("entry" in shown && JSON.parse(Buffer.from(shown.entry).toString()).commitments.personal).toMatch(
      /^[0-9a-f]{64}$/,
    );
  });

  it("AUD-12 says that there is no such event, and never what else there is", async () => {
    const call = world.call(auditor, { event: "audit.queried" });
    const request = create(GetEventRequestSchema, { eventId: formatId("event", uuidv7(new Date())) });
    await expect(world.answer(call, async () => service.getEvent(request, call))).rejects.toMatchObject({
      reason: "EVENT_NOT_FOUND",
      code: 5,
    });
  });

  it("has one statement for every set of conditions, each with a name of its own that Postgres keeps whole", () => {
    const all = [
      "actor",
      "address",
      "before",
      "endId",
      "endTime",
      "event",
      "loginName",
      "method",
      "outcome",
      "resourceType",
      "resourceUid",
      "session",
      "startId",
      "startTime",
    ] as const;
    const names = new Set<string>();
    for (let bits = 0; bits < 2 ** all.length; bits++)
      names.add(queryStatement(all.filter((_, bit) => (bits >> bit) & 1)).name);
    expect(names.size).toBe(2 ** all.length);
    for (const name of names) expect(name.length).toBeLessThan(63);
  });
});

/** A process that has not got the subject's key in memory. */
async function openSecondReader(): Promise<Handlers<typeof AuditService>> {
  const { createAuditSlice } = await import("../../../src/audit/slice.ts");
  const { createSubjectKeys } = await import("../../../src/keys/subject-keys.ts");
  const { createDataKeyCache } = await import("../../../src/keys/data-key-cache.ts");
  const { createSubjectKeyReader, createSubjectKeyWriter } = await import("../../../src/keys/store.ts");
  const { systemClock } = await import("../../../src/kernel/clock.ts");
  const { reader, writer } = world.database;
  const { installationId, keys } = world;
  const cache = createDataKeyCache({
    clock: systemClock,
    maxAgeMs: 1_000,
    maxStaleMs: 0,
    retryMs: 1,
    maxMessages: 100,
    maxEntries: 10,
    onStale() {},
  });
  const subjects = createSubjectKeys({
    installationId,
    wrapper: keys.wrapper,
    cache,
    clock: systemClock,
    reader: createSubjectKeyReader(reader),
    writer: createSubjectKeyWriter(() => world.unitOfWork, systemClock),
  });
  const slice = createAuditSlice({
    ...unobserved,
    installationId,
    reader,
    writer,
    keys: { ...keys, subjects },
    pageTokens: keys.pageTokens,
  });
  return slice.bindings[0]?.handlers as unknown as Handlers<typeof AuditService>;
}
