import { describe, expect, it, onTestFinished, vi } from "vitest";
import { createEncoder } from "../../../../src/audit/record/encoder.ts";
import { createRecorder, type RecorderDeps } from "../../../../src/audit/record/recorder.ts";
import type { LoneWriter } from "../../../../src/kernel/database.ts";
import { GatehouseError, type Reason } from "../../../../src/kernel/errors.ts";
import { draftOf } from "../../../fakes/audit-draft.ts";
import { createFakeAuditKeys } from "../../../fakes/audit-keys.ts";
import { alice } from "../../../fakes/principal.ts";

const width = 16;

/** Event ids of each statement, and what is to become of it. */
function scriptedWriter(outcome: (ids: readonly string[], attempt: number) => void | Promise<void> = () => {}) {
  const groups: string[][] = [];
  const writer: LoneWriter = {
    async write(_statement, parameters) {
      const ids = parameters.filter((value, index): value is string => index % width === 0 && value !== null);
      groups.push(ids);
      await outcome(ids, groups.length);
      return [];
    },
  };
  return { writer, groups };
}

function recorderOver(writer: LoneWriter, options: Partial<RecorderDeps> = {}) {
  const encoder = createEncoder({ installationId: "i", keys: createFakeAuditKeys(alice) });
  return createRecorder({ encoder, writer, ...options });
}

const unavailable = { reason: "AUDIT_UNAVAILABLE", code: 14 };
const failing = (reason: Reason) => () => {
  throw new GatehouseError(reason);
};

describe("the recorder", () => {
  it("stores what arrives together in few statements, each record once", async () => {
    const { writer, groups } = scriptedWriter();
    const recorder = recorderOver(writer);
    const drafts = Array.from({ length: 100 }, () => draftOf());
    await Promise.all(drafts.map((draft) => recorder.record(draft)));
    expect(groups.map((group) => group.length)).toEqual([32, 32, 32, 4]);
    expect(groups.flat()).toEqual(drafts.map(({ eventId }) => eventId));
  });

  it.each<Reason>(["DATABASE_UNAVAILABLE", "OUTCOME_UNKNOWN", "INTERNAL"])(
    "rejects with AUDIT_UNAVAILABLE when the database fails with %s",
    async (reason) => {
      const { writer } = scriptedWriter(failing(reason));
      await expect(recorderOver(writer).record(draftOf())).rejects.toMatchObject({ ...unavailable, cause: { reason } });
    },
  );

  it("rejects with AUDIT_UNAVAILABLE when the keys fail", async () => {
    const keys = createFakeAuditKeys(alice);
    const subjects = { ...keys.subjects, sealerFor: () => Promise.reject(new GatehouseError("KEYS_UNAVAILABLE")) };
    const encoder = createEncoder({ installationId: "i", keys: { ...keys, subjects } });
    const { writer, groups } = scriptedWriter();
    await expect(createRecorder({ encoder, writer }).record(draftOf())).rejects.toMatchObject(unavailable);
    expect(groups).toEqual([]);
  });

  it("sends a group again when the answer to its COMMIT was lost; the statement stores no event twice", async () => {
    const { writer, groups } = scriptedWriter((_ids, attempt) => {
      if (attempt === 1) throw new GatehouseError("OUTCOME_UNKNOWN");
    });
    await recorderOver(writer).record(draftOf());
    expect(groups).toHaveLength(2);
    expect(groups[0]).toEqual(groups[1]);
  });

  it("AUD-10 one record that Postgres refuses takes no other with it", async () => {
    const poisoned = draftOf();
    const { writer } = scriptedWriter((ids) => {
      if (ids.includes(poisoned.eventId)) throw new GatehouseError("INTERNAL");
    });
    const recorder = recorderOver(writer);
    const drafts = [...Array.from({ length: 20 }, () => draftOf()), poisoned, draftOf()];
    const settled = await Promise.allSettled(drafts.map((draft) => recorder.record(draft)));
    expect(settled.map(({ status }) => status)).toEqual(
      drafts.map((draft) => (draft === poisoned ? "rejected" : "fulfilled")),
    );
  });

  it("rejects at the deadline when the database hangs, and never stores later what it refused", async () => {
    const held: (() => void)[] = [];
    const { writer, groups } = scriptedWriter(() => new Promise<void>((resolve) => held.push(resolve)));
    // Beside busy processes a real deadline may be over before anything has reached the database.
    vi.useFakeTimers({ toFake: ["setTimeout", "clearTimeout"] });
    onTestFinished(() => void vi.useRealTimers());
    const recorder = recorderOver(writer, { deadlineMs: 30 });
    const settled = Promise.allSettled(Array.from({ length: 100 }, () => recorder.record(draftOf())));
    while (held.length < 2) await new Promise((resolve) => setImmediate(resolve));
    vi.advanceTimersByTime(30);
    for (const one of await settled) expect(one).toMatchObject({ status: "rejected", reason: unavailable });
    expect(groups.map((group) => group.length)).toEqual([32, 32]);
    for (const release of held) release();
    await recorder.close();
    expect(groups).toHaveLength(2);
  });

  it("refuses at once when too many wait, so that memory stays bounded", async () => {
    const held: (() => void)[] = [];
    const { writer } = scriptedWriter(() => new Promise<void>((resolve) => held.push(resolve)));
    const recorder = recorderOver(writer, { backlog: 3, deadlineMs: 50 });
    const accepted = [1, 2, 3].map(() => recorder.record(draftOf()));
    const settled = Promise.allSettled(accepted);
    await expect(recorder.record(draftOf())).rejects.toMatchObject({
      ...unavailable,
      cause: { message: "too many audit records wait" },
    });
    await settled;
    for (const release of held) release();
    await recorder.close();
    await expect(recorder.record(draftOf())).rejects.toMatchObject(unavailable);
  });

  it("stores everything it took before it closes, and takes nothing afterwards", async () => {
    const held: (() => void)[] = [];
    const { writer, groups } = scriptedWriter(() => new Promise<void>((resolve) => held.push(resolve)));
    const recorder = recorderOver(writer);
    const recorded = Promise.all([recorder.record(draftOf()), recorder.record(draftOf())]);
    let closed = false;
    const closing = recorder.close().then(() => {
      closed = true;
    });
    await expect(recorder.record(draftOf())).rejects.toMatchObject(unavailable);
    while (held.length === 0) await new Promise((resolve) => setImmediate(resolve));
    expect(closed).toBe(false);
    for (const release of held) release();
    await Promise.all([recorded, closing]);
    expect(groups.flat()).toHaveLength(2);
  });
});
