// The trail on a real database with real keys: what is written, what comes out, and that both can be checked by software
// that shares nothing with ours.
import { createHash, createHmac } from "node:crypto";
import { create } from "@bufbuild/protobuf";
import {
  AppendEventRequestSchema,
  type AppendEventResponse,
  type AuditService,
  GetEventRequestSchema,
  type GetEventResponse,
  Outcome,
} from "@gatehouse/proto/gatehouse/audit/v1/audit_service_pb.js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { Handlers } from "../../../src/kernel/handler.ts";
import { formatId, parseId } from "../../../src/kernel/ids.ts";
import type { Principal } from "../../../src/kernel/principal.ts";
import { openSliceWorld, type SliceWorld } from "../../fixtures/slice-world.ts";

let world: SliceWorld;
let reader: Principal;
let service: Handlers<typeof AuditService>;

beforeAll(async () => {
  world = await openSliceWorld();
  reader = await world.principal();
  service = world.audit.bindings[0]?.handlers as unknown as Handlers<typeof AuditService>;
});
afterAll(() => world.close());

async function append(
  principal: Principal,
  given: Omit<Parameters<typeof create<typeof AppendEventRequestSchema>>[1] & object, "$typeName"> = {},
): Promise<AppendEventResponse> {
  const call = world.call(principal, { event: "" });
  const request = create(AppendEventRequestSchema, { source: "orders", name: "refund_paid", ...given });
  return (await service.appendEvent(request, call)) as AppendEventResponse;
}

async function get(eventId: string): Promise<GetEventResponse> {
  const call = world.call(reader, { event: "audit.queried" });
  const request = create(GetEventRequestSchema, { eventId });
  return (await world.answer(call, async () => service.getEvent(request, call))) as GetEventResponse;
}

/** Canonical JSON as anybody would write it who read RFC 8785 and knows that there are no fractions. */
function independentJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(independentJson).join(",")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const keys = Object.keys(value).sort();
  return `{${keys.map((key) => `${JSON.stringify(key)}:${independentJson((value as Record<string, unknown>)[key])}`).join(",")}}`;
}

function personalJson({ event }: GetEventResponse): string {
  const named = { login_name: event?.loginName, address: event?.address, user_agent: event?.userAgent };
  return independentJson(Object.fromEntries(Object.entries(named).filter(([, text]) => text !== "")));
}

const hmac = (salt: Uint8Array, payload: string) => createHmac("sha256", salt).update(payload).digest("hex");
const leafOf = (entry: Uint8Array) => createHash("sha256").update(Buffer.of(0)).update(entry).digest();

describe("the evidence of an event", () => {
  it("AUD-01 AUD-04 can be recomputed from GetEvent's answer with nothing but SHA-256 and HMAC", async () => {
    const appended = await append(reader, {
      outcome: Outcome.FAILURE,
      reason: "OVER_LIMIT",
      resources: [{ type: "order", uid: "o-1", version: 2 }],
      details: { amount: 1200, currency: "EUR", tags: ["a", null, true], note: "caf\u00e9 \u2028" },
    });
    const shown = await get(appended.eventId);
    const entry = JSON.parse(Buffer.from(shown.entry).toString("utf8"));
    expect(leafOf(shown.entry)).toEqual(Buffer.from(appended.leafHash));
    expect(entry.commitments).toEqual({
      personal: hmac(shown.personalSalt, personalJson(shown)),
      details: hmac(shown.detailsSalt, independentJson(shown.event?.details)),
    });
    expect(shown.personalSalt).toHaveLength(32);
    expect(shown.event).toMatchObject({
      eventId: appended.eventId,
      event: "orders.refund_paid",
      category: "APPLICATION",
      outcome: Outcome.FAILURE,
      reason: "OVER_LIMIT",
      actorId: formatId("principal", reader.id),
      address: "192.0.2.7",
      userAgent: "test/1",
      details: { amount: 1200, currency: "EUR", tags: ["a", null, true], note: "caf\u00e9 \u2028" },
      erased: false,
    });
    expect(entry).toMatchObject({ installation: world.installationId, event_id: appended.eventId });
  });

  it("AUD-04 shows any flipped bit of entry, salt or part", async () => {
    const appended = await append(reader, { details: { a: "b" } });
    const shown = await get(appended.eventId);
    const entry = Buffer.from(shown.entry);
    for (let at = 0; at < entry.length; at++) {
      const changed = Buffer.from(entry);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      expect(leafOf(changed)).not.toEqual(Buffer.from(appended.leafHash));
    }
    const { commitments } = JSON.parse(entry.toString("utf8"));
    for (let at = 0; at < 32; at++) {
      const salt = Buffer.from(shown.personalSalt);
      salt[at] = (salt[at] ?? 0) ^ 0x80;
      expect(hmac(salt, personalJson(shown))).not.toBe(commitments.personal);
    }
    expect(hmac(shown.personalSalt, personalJson(shown).replace("192.0.2.7", "192.0.2.8"))).not.toBe(
      commitments.personal,
    );
  });

  it("two equal events share neither leaf nor commitments, so nobody can guess what is inside", async () => {
    const [one, other] = await Promise.all([
      append(reader, { details: { a: 1 } }),
      append(reader, { details: { a: 1 } }),
    ]);
    const entries = await Promise.all(
      [one, other].map(async ({ eventId }) => JSON.parse(Buffer.from((await get(eventId)).entry).toString())),
    );
    expect(one.leafHash).not.toEqual(other.leafHash);
    expect(entries[0].commitments.details).not.toBe(entries[1].commitments.details);
    expect(entries[0].commitments.personal).not.toBe(entries[1].commitments.personal);
  });

  it("AUD-04 KEY-04 a row whose parts were moved or whose entry was edited opens nowhere", async () => {
    const [one, other] = await Promise.all([
      append(reader, { details: { a: 1 } }),
      append(reader, { details: { a: 2 } }),
    ]);
    const ids = [one, other].map(({ eventId }) => parseId("event", eventId));
    // Whoever owns the table can do this; nobody else can.
    await world.database.asOwner("alter table audit_event disable trigger audit_event_immutable");
    const tamper = (set: string) =>
      world.database.asOwner(
        `update audit_event mine set ${set} from audit_event theirs where mine.id = $1 and theirs.id = $2`,
        ids,
      );
    const [before] = await world.database.asOwner("select entry, personal, details from audit_event where id = $1", [
      ids[0],
    ]);
    for (const set of [
      "personal = theirs.personal",
      "details = theirs.details",
      "entry = theirs.entry",
      "personal = null",
    ]) {
      await tamper(set);
      await expect(get(one.eventId)).rejects.toMatchObject({ reason: "DATA_CORRUPT" });
      await world.database.asOwner("update audit_event set entry = $2, personal = $3, details = $4 where id = $1", [
        ids[0],
        before?.entry,
        before?.personal,
        before?.details,
      ]);
    }
    await expect(get(one.eventId)).resolves.toBeDefined();
  });
});
