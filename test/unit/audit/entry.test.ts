import { createHash } from "node:crypto";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { canonicalJson } from "../../../src/audit/domain/canonical-json.ts";
import { entryOf } from "../../../src/audit/domain/draft-entry.ts";
import { entryBytes, leafHash } from "../../../src/audit/domain/entry.ts";
import { readEntry } from "../../../src/audit/domain/read-entry.ts";
import type { AuditDraft } from "../../../src/kernel/audit.ts";
import { draftOf } from "../../fakes/audit-draft.ts";
import { alice } from "../../fakes/principal.ts";

const installation = "01890000-0000-7000-8000-0000000000ff";
const none = { personal: undefined, details: undefined };
const eventId = "01890000-0000-7000-8000-0000000000ee";

function bytesOf(given: Partial<AuditDraft>, commitments: { personal?: string; details?: string } = {}): Buffer {
  const bytes = entryBytes(entryOf(draftOf({ eventId, ...given }), installation, { ...none, ...commitments }));
  if (bytes === undefined) throw new Error("too large");
  return bytes;
}

describe("the entry of an event", () => {
  it("AUD-08 says when, who, what, on what, how it ended, for which request, in these very bytes", () => {
    expect(bytesOf({}, { personal: "aa", details: "bb" }).toString()).toBe(
      `{"actor":{"client_id":"cli","id":"prn_${alice}","kind":"person","session_id":"ses_01890000-0000-7000-8000-0000000000aa"},` +
        `"category":"DATA_ACCESS","commitments":{"details":"bb","personal":"aa"},"event":"secret.read","event_id":"evt_${eventId}",` +
        `"grpc_code":0,"installation":"${installation}","method":"gatehouse.secrets.v1.SecretsService/GetSecret",` +
        `"occurred_at":"2026-11-21T07:00:00.123Z","outcome":"SUCCESS","request_id":"0a0b0c0d-0000-4000-8000-000000000000",` +
        `"resources":[{"type":"secret","uid":"team-a/db","version":3}],"schema_version":1}`,
    );
  });

  it("AUD-09 holds no address, agent, login name or detail, only commitments to them", () => {
    const text = bytesOf({
      personal: { loginName: "canary-name", address: "203.0.113.9", userAgent: "canary-agent" },
      details: { filter: "canary-detail" },
    }).toString();
    expect(text).not.toMatch(/canary|203\.0\.113\.9/);
  });

  it("stays within a kilobyte for an ordinary event", () => {
    expect(bytesOf({}, { personal: "a".repeat(64), details: "b".repeat(64) }).length).toBeLessThan(1_024);
  });

  it.each<[string, Partial<AuditDraft>, Partial<AuditDraft>]>([
    [
      "a border that moved between two fields",
      { resources: [{ type: "a", uid: "bc" }] },
      { resources: [{ type: "ab", uid: "c" }] },
    ],
    ["composed and decomposed text", { event: "caf\u00e9" }, { event: "cafe\u0301" }],
    ["a missing and an empty reason", { reason: undefined }, { reason: "" }],
    ["a missing and an empty method", { method: undefined }, { method: "" }],
    [
      "a missing and a first version",
      { resources: [{ type: "a", uid: "b" }] },
      { resources: [{ type: "a", uid: "b", version: 0 }] },
    ],
    ["no resource and an empty one", { resources: [] }, { resources: [{ type: "", uid: "" }] }],
    [
      "a missing and an empty client",
      { actor: { id: alice, kind: "person", sessionId: undefined, clientId: undefined } },
      { actor: { id: alice, kind: "person", sessionId: undefined, clientId: "" } },
    ],
  ])("AUD-05 has other bytes for %s", (_title, one, other) => {
    expect(leafHash(bytesOf(one))).not.toEqual(leafHash(bytesOf(other)));
  });

  it("AUD-05 comes out the same whatever the locale, the time zone and the order of members", () => {
    const before = process.env.TZ;
    const draft = draftOf({ eventId });
    const turned = Object.fromEntries(Object.entries(draft).reverse()) as unknown as AuditDraft;
    try {
      process.env.TZ = "Pacific/Kiritimati";
      expect(bytesOf(turned)).toEqual(bytesOf(draft));
      expect(bytesOf(turned).toString()).toContain("2026-11-21T07:00:00.123Z");
    } finally {
      if (before === undefined) delete process.env.TZ;
      else process.env.TZ = before;
    }
  });

  it("AUD-10 keeps what was injected as one escaped, bounded text", () => {
    const hostile = '\r\n\u2028\u001b[31m"}%0a\0\u202e{"event":"forged"}';
    const bytes = bytesOf({ resources: [{ type: "secret", uid: hostile }], event: hostile });
    expect([...bytes].filter((byte) => byte < 0x20)).toEqual([]);
    const entry = readEntry(bytes);
    expect(entry?.event).toBe(hostile);
    expect(entry?.resources).toEqual([{ type: "secret", uid: hostile, version: undefined }]);
  });

  it("AUD-10 is bounded whatever it is given, and says where it cut", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 100_000 }), (unit, times) => {
        const long = unit.repeat(times).slice(0, 1_000_000);
        const draft = draftOf({
          event: long,
          reason: long,
          method: long,
          requestId: long,
          resources: Array.from({ length: 200 }, (_, version) => ({ type: "t", uid: long.slice(0, 300), version })),
        });
        const entry = entryOf(draft, installation, none);
        expect(entry.resources).toHaveLength(16);
        expect(entry.resources_omitted).toBe(184);
        expect(entryBytes(entry)?.length ?? 0).toBeLessThan(65_536);
        expect(entry.event.length).toBeLessThan(170);
      }),
      { numRuns: 50 },
    );
    const cut = entryOf(
      draftOf({ resources: [{ type: "secret", uid: "\ud83d\ude00".repeat(500_000) }] }),
      installation,
      none,
    );
    expect(cut.resources[0]?.uid).toMatch(/\.\.\.\[cut, was 1000000 long\]$/);
    expect(entryBytes(cut)?.length).toBeLessThan(4_000);
  });

  it("AUD-10 AUD-05 cuts through the middle of a character without leaving half of it", () => {
    const entry = entryOf(
      draftOf({ resources: [{ type: "secret", uid: `a${"\u{1f600}".repeat(400)}` }] }),
      installation,
      none,
    );
    expect(entry.resources[0]?.uid.isWellFormed()).toBe(true);
    expect(entryBytes(entry)?.toString()).toBe(canonicalJson(entry));
  });

  it("refuses an entry that no log could hold", () => {
    const resources = Array.from({ length: 16 }, () => ({ type: "\u0001".repeat(64), uid: "\u0001".repeat(600) }));
    const entry = entryOf(
      draftOf({ resources, event: "\u0001".repeat(130), method: "\u0001".repeat(200) }),
      installation,
      none,
    );
    expect(entryBytes(entry)).toBeUndefined();
  });

  it("AUD-05 is read back as it was written, and nothing else passes for an entry", () => {
    const bytes = bytesOf({}, { personal: "aa" });
    const entry = readEntry(bytes);
    expect(entry && entryBytes(entry)).toEqual(bytes);
    for (let at = 0; at < bytes.length; at++) {
      const changed = Buffer.from(bytes);
      changed[at] = (changed[at] ?? 0) ^ 1;
      const read = readEntry(changed);
      if (read !== undefined) expect(entryBytes(read)).toEqual(changed);
    }
    const text = bytes.toString();
    for (const forged of [
      ` ${text}`,
      text.replace("{", '{"extra":1,'),
      text.replace('"grpc_code":0', '"grpc_code":0.0'),
      text.replace('"schema_version":1', '"schema_version":2'),
      "[]",
      "null",
      "",
      `\ufeff${text}`,
    ]) {
      expect(readEntry(Buffer.from(forged))).toBeUndefined();
    }
  });

  it("AUD-05 is canonical JSON for every draft, whatever it holds", () => {
    const text = fc
      .string({ unit: "binary-ascii", maxLength: 20 })
      .chain((ascii) => fc.constantFrom(ascii, `${ascii}\ud800`, `\u{1f600}${ascii}`));
    const optional = fc.option(text, { nil: undefined });
    const drafts = fc.record({
      event: text,
      reason: optional,
      method: optional,
      requestId: optional,
      grpcCode: fc.integer({ min: 0, max: 16 }),
      actor: fc.record({
        id: text,
        kind: fc.constant("system" as const),
        sessionId: fc.option(fc.uuid(), { nil: undefined }),
        clientId: optional,
      }),
      resources: fc.array(fc.record({ type: text, uid: text, version: fc.nat() }, { requiredKeys: ["type", "uid"] }), {
        maxLength: 20,
      }),
    });
    fc.assert(
      fc.property(drafts, fc.option(fc.stringMatching(/^[0-9a-f]{4}$/), { nil: undefined }), (given, personal) => {
        const entry = entryOf(draftOf(given), installation, { personal, details: undefined });
        expect(entryBytes(entry)?.toString()).toBe(canonicalJson(entry));
      }),
      { numRuns: 300 },
    );
  });

  it("AUD-01 is hashed as a leaf of RFC 6962: SHA-256 over 0x00 and the bytes", () => {
    // First published leaf of the RFC 6962 reference trees, and two more computed by other software.
    expect(leafHash(Buffer.from("")).toString("hex")).toBe(
      "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    );
    expect(leafHash(Buffer.from([0x00])).toString("hex")).toBe(
      "96a296d224f285c67bee93c30f8a309157f0daa35dc5b87e410b78630a09cfc7",
    );
    const bytes = bytesOf({});
    expect(leafHash(bytes).toString("hex")).toBe(createHash("sha256").update("\0").update(bytes).digest("hex"));
  });
});
