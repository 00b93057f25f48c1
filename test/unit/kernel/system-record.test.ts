import { describe, expect, it } from "vitest";
import { systemRecord } from "../../../src/kernel/system-record.ts";

const now = new Date("2026-11-21T10:00:00.123Z");

describe("the record of what the server does by itself", () => {
  it("P-12 names no caller, no method and nobody's data", () => {
    expect(systemRecord({ event: "key.created", now })).toMatchObject({
      occurredAt: now,
      event: "key.created",
      category: "SYSTEM",
      outcome: "SUCCESS",
      method: undefined,
      actor: { id: "", kind: "system" },
      subjectId: undefined,
      personal: {},
      resources: [],
      details: {},
    });
  });

  it("shares nothing with the next one, because drafts are added to", () => {
    const [one, other] = [systemRecord({ event: "key.created", now }), systemRecord({ event: "key.created", now })];
    one.resources.push({ type: "data_key", uid: "pepper" });
    one.details.kek_id = "k";
    expect(other).toMatchObject({ resources: [], details: {} });
    expect(one.eventId).not.toBe(other.eventId);
  });
});
