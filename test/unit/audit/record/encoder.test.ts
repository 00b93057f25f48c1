import { createHmac } from "node:crypto";
import canonicalize from "canonicalize";
import fc from "fast-check";
import { beforeEach, describe, expect, it } from "vitest";
import { leafHash } from "../../../../src/audit/domain/entry.ts";
import { createEncoder, type Encoder } from "../../../../src/audit/record/encoder.ts";
import type { AuditDraft } from "../../../../src/kernel/audit.ts";
import { draftOf } from "../../../fakes/audit-draft.ts";
import { createFakeAuditKeys, type FakeAuditKeys, monthOfTest } from "../../../fakes/audit-keys.ts";
import { alice, bob } from "../../../fakes/principal.ts";

let keys: FakeAuditKeys;
let encoder: Encoder;

beforeEach(() => {
  keys = createFakeAuditKeys(alice);
  encoder = createEncoder({ installationId: "01890000-0000-7000-8000-0000000000ff", keys });
});

async function encode(draft: AuditDraft) {
  const row = encoder.encode(await encoder.prepare(draft));
  return { row, entry: JSON.parse(row.entry.toString("utf8")) };
}

/** Salt and payload out of a value that the fakes sealed. */
function opened(sealed: Buffer | null, label: string): { salt: Buffer; payload: string } {
  const at = (sealed?.indexOf(label) ?? -1) + label.length;
  return {
    salt: sealed?.subarray(at, at + 32) ?? Buffer.of(),
    payload: sealed?.subarray(at + 32).toString("utf8") ?? "",
  };
}

describe("a record", () => {
  it("AUD-08 DAT-09 commits to what it seals: personal data under the subject's key, details under the installation's", async () => {
    const draft = draftOf({
      personal: { loginName: "Anna", address: "192.0.2.7", userAgent: "" },
      details: { b: 1, a: "x" },
    });
    const { row, entry } = await encode(draft);
    const personal = opened(row.personal, `${alice}|audit.personal|${draft.eventId}|`);
    const details = opened(row.details, `audit-details|audit.details|${draft.eventId}||`);
    expect(personal.payload).toBe('{"address":"192.0.2.7","login_name":"Anna"}');
    expect(details.payload).toBe('{"a":"x","b":1}');
    for (const [part, commitment] of [
      [personal, entry.commitments.personal],
      [details, entry.commitments.details],
    ] as const) {
      expect(createHmac("sha256", part.salt).update(part.payload).digest("hex")).toBe(commitment);
    }
    expect(row.subject).toBe(alice);
    expect(personal.salt.equals(details.salt)).toBe(false);
  });

  it("has look-up columns that say what the entry says", async () => {
    const draft = draftOf({ outcome: "FAILURE", reason: "SECRET_EXPIRED" });
    const { row, entry } = await encode(draft);
    expect(row).toMatchObject({
      id: draft.eventId,
      occurredAt: entry.occurred_at,
      event: entry.event,
      category: entry.category,
      outcome: entry.outcome,
      actorId: alice,
      sessionId: draft.actor.sessionId,
      method: entry.method,
      resourceType: "secret",
      resourceUid: "team-a/db",
      details: null,
    });
  });

  it("needs no key at all without personal part and details, so that the keys' own records can be written", async () => {
    const { row, entry } = await encode(
      draftOf({
        personal: {},
        subjectId: undefined,
        actor: { id: "gatehouse", kind: "system", sessionId: undefined, clientId: undefined },
      }),
    );
    expect([keys.asked, row.subject, row.personal, row.details, row.actorId]).toEqual([0, null, null, null, null]);
    expect(entry.commitments).toEqual({});
    expect(entry.actor).toEqual({ id: "gatehouse", kind: "system" });
  });

  it("of nobody known is sealed under the key of the month, as is that of a subject whose key is gone", async () => {
    const anonymous = draftOf({
      subjectId: undefined,
      actor: { id: "", kind: "anonymous", sessionId: undefined, clientId: undefined },
    });
    expect((await encode(anonymous)).row.subject).toBe(monthOfTest);
    expect((await encode(anonymous)).entry.actor).toEqual({ kind: "anonymous" });
    expect((await encode(draftOf({ subjectId: bob }))).row.subject).toBe(monthOfTest);
  });

  it("passes on that the keys cannot be reached, rather than write the data in clear or leave it out", async () => {
    const failing = createEncoder({
      installationId: "i",
      keys: { ...keys, subjects: { ...keys.subjects, sealerFor: () => Promise.reject(new Error("unreachable")) } },
    });
    await expect(failing.prepare(draftOf())).rejects.toThrow("unreachable");
  });

  it("takes what work added between prepare and encode, except that personal data must not come out of nowhere", async () => {
    const draft = draftOf();
    const prepared = await encoder.prepare(draft);
    draft.resources.push({ type: "session", uid: "ses_1" });
    draft.details = { added: true };
    const entry = JSON.parse(encoder.encode(prepared).entry.toString("utf8"));
    expect(entry.resources).toHaveLength(2);
    expect(entry.commitments.details).toBeDefined();
    const bare = draftOf({ personal: {} });
    const preparedBare = await encoder.prepare(bare);
    bare.personal = { address: "192.0.2.1" };
    expect(() => encoder.encode(preparedBare)).toThrow("after it was prepared");
  });

  it("AUD-10 keeps NUL out of columns, which Postgres would refuse, and in the entry as it was", async () => {
    const hostile = "a\0b";
    const { row, entry } = await encode(
      draftOf({ event: hostile, method: hostile, resources: [{ type: hostile, uid: hostile }] }),
    );
    expect([row.event, row.method, row.resourceType, row.resourceUid]).toEqual(new Array(4).fill("a\ufffdb"));
    expect(entry.resources[0].uid).toBe(hostile);
  });

  it("AUD-10 cuts personal data and details before it commits to them", async () => {
    const long = "x".repeat(1_000_000);
    const draft = draftOf({
      personal: { userAgent: long, loginName: long },
      details: { long, deep: { list: [long, 1.5, -0, Number.NaN] } },
    });
    const { row } = await encode(draft);
    expect(row.personal?.length).toBeLessThan(1_000);
    const payload = JSON.parse(opened(row.details, `|${draft.eventId}||`).payload);
    expect(payload.long).toMatch(/^x{1024}\.\.\.\[cut, was 1000000 long\]$/);
    expect(payload.deep.list.slice(1)).toEqual(["1.5", 0, "NaN"]);
    const many = draftOf({
      details: Object.fromEntries(Array.from({ length: 100 }, (_, i) => [`k${i}`, "y".repeat(1_000)])),
    });
    expect(JSON.parse(opened((await encode(many)).row.details, `|${many.eventId}||`).payload)).toMatchObject({
      cut: true,
    });
  });

  it("AUD-10 leaves details that fit as they are, and bounds the rest wherever the one that does not stands", async () => {
    const short = fc.oneof(
      fc.string({ unit: "binary", maxLength: 20 }),
      fc.maxSafeInteger(),
      fc.boolean(),
      fc.constant(null),
    );
    const { fitting } = fc.letrec<{ fitting: AuditDraft["details"][string] }>((tie) => ({
      fitting: fc.oneof(
        { depthSize: "small" },
        short,
        fc.array(tie("fitting"), { maxLength: 3 }),
        fc.dictionary(fc.string({ maxLength: 64 }), tie("fitting"), { maxKeys: 3 }),
      ),
    }));
    const unfit = [
      ["x".repeat(1_025), `${"x".repeat(1_024)}...[cut, was 1025 long]`],
      ["\ud800", "\ufffd"],
      [1.5, "1.5"],
      [2 ** 53, "9007199254740992"],
    ] as const;
    await fc.assert(
      fc.asyncProperty(fc.dictionary(fc.string({ maxLength: 64 }), fitting, { minKeys: 1 }), async (details) => {
        const asIs = draftOf({ details });
        expect(opened((await encode(asIs)).row.details, `|${asIs.eventId}||`).payload).toBe(canonicalize(details));
        for (const [given, kept] of unfit) {
          const one = draftOf({ details: { ...details, given: [{ given }] } });
          const expected = canonicalize({ ...details, given: [{ given: kept }] });
          expect(opened((await encode(one)).row.details, `|${one.eventId}||`).payload).toBe(expected);
        }
      }),
    );
  });

  it("AUD-10 survives details that are nested without end", async () => {
    let deep: AuditDraft["details"] = {};
    for (let i = 0; i < 1_000; i++) deep = { deep };
    expect((await encode(draftOf({ details: deep }))).row.details).not.toBeNull();
  });

  it("finds one address under every spelling, and one login name under every case", async () => {
    const indexOf = async (personal: AuditDraft["personal"]) => (await encode(draftOf({ personal }))).row;
    const v4 = await indexOf({ address: "192.0.2.7" });
    expect((await indexOf({ address: "::ffff:192.0.2.7" })).addressIndex).toEqual(v4.addressIndex);
    expect((await indexOf({ address: "::FFFF:c000:207" })).addressIndex).toEqual(v4.addressIndex);
    const v6 = await indexOf({ address: "2001:db8::1" });
    expect((await indexOf({ address: "2001:0DB8:0:0::0001" })).addressIndex).toEqual(v6.addressIndex);
    expect(v6.addressIndex).not.toEqual(v4.addressIndex);
    expect((await indexOf({ loginName: "ANNA" })).loginNameIndex).toEqual(
      (await indexOf({ loginName: "anna" })).loginNameIndex,
    );
    expect(v4.loginNameIndex).toBeNull();
  });

  it("that was fixed comes out as it was fixed, and not at all when it was changed", async () => {
    const draft = draftOf({ details: { a: 1 } });
    const leaf = await encoder.fix(draft);
    const prepared = await encoder.prepare(draft);
    expect(leafHash(encoder.encodeFixed(prepared).entry)).toEqual(leaf);
    for (const change of [
      () => {
        draft.outcome = "FAILURE";
      },
      () => {
        draft.outcome = "SUCCESS";
        draft.details.b = 2;
      },
      () => {
        draft.details = { a: 1 };
        draft.personal = {};
      },
    ]) {
      change();
      expect(() => encoder.encodeFixed(prepared)).toThrow("a fixed record was changed");
    }
    expect(() => encoder.encode(prepared)).not.toThrow();
  });
});
