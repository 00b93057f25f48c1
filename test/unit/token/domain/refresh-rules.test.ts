// The refresh family as a state machine.
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type FamilyState, judgeRefresh } from "../../../../src/token/domain/refresh-rules.ts";

const start = new Date("2026-11-21T12:00:00Z");
const later = (milliseconds: number) => new Date(start.getTime() + milliseconds);
const graceMs = 30_000;

function family(more: Partial<FamilyState> = {}): FamilyState {
  return {
    number: 5,
    keyVersion: 1,
    refreshedAt: start,
    idleExpiresAt: later(1_000_000),
    absoluteExpiresAt: later(2_000_000),
    ended: false,
    principalStands: true,
    clientStands: true,
    ...more,
  };
}

const judge = (number: number, state = family(), at = start, keyVersion = 1) =>
  judgeRefresh({ number, keyVersion }, state, graceMs, at);

describe("judgeRefresh", () => {
  it("knows the current one, its predecessor within the grace, and nothing older", () => {
    expect(judge(5)).toEqual({ is: "CURRENT" });
    expect(judge(4, family(), later(graceMs - 1))).toEqual({ is: "REPEATED" });
    expect(judge(3)).toEqual({ is: "REUSED", classification: "STALE_LINEAGE" });
  });

  it("TOK-01 counts the predecessor as reused from the end of the grace on", () => {
    expect(judge(4, family(), later(graceMs))).toEqual({ is: "REUSED", classification: "RECENT_PREDECESSOR" });
    expect(judgeRefresh({ number: 4, keyVersion: 1 }, family(), 0, start)).toMatchObject({ is: "REUSED" });
  });

  it("counts a number that the family has not reached, or another key's, as no honest one", () => {
    expect(judge(6)).toEqual({ is: "REUSED", classification: "NOT_OF_LINEAGE" });
    expect(judge(5, family(), start, 2)).toEqual({ is: "REUSED", classification: "NOT_OF_LINEAGE" });
  });

  it("TOK-06 TOK-07 TOK-08 a dead family renews nothing and is not killed twice", () => {
    expect(judge(5, family({ ended: true }))).toEqual({ is: "DEAD", reason: "SESSION_ENDED" });
    expect(judge(1, family({ ended: true }))).toEqual({ is: "DEAD", reason: "SESSION_ENDED" });
    expect(judge(5, family(), later(1_000_000))).toEqual({ is: "DEAD", reason: "SESSION_IDLE" });
    expect(judge(5, family({ absoluteExpiresAt: start }))).toEqual({ is: "DEAD", reason: "SESSION_EXPIRED" });
    expect(judge(5, family({ principalStands: false }))).toEqual({ is: "DEAD", reason: "PRINCIPAL_DISABLED" });
    expect(judge(5, family({ clientStands: false }))).toEqual({ is: "DEAD", reason: "CLIENT_DISABLED" });
  });

  it("TOK-02 whatever the order of uses, at most one number renews and no old one outlives its grace", () => {
    const step = fc.record({ number: fc.integer({ min: 1, max: 8 }), wait: fc.integer({ min: 0, max: 40_000 }) });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 30 }), (steps) => {
        let state = family({ number: 1, idleExpiresAt: later(1e12), absoluteExpiresAt: later(1e12) });
        let at = start;
        for (const { number, wait } of steps) {
          at = new Date(at.getTime() + wait);
          const judged = judge(number, state, at);
          if (state.ended) expect(judged.is).toBe("DEAD");
          else if (judged.is === "CURRENT") {
            expect(number).toBe(state.number);
            state = { ...state, number: number + 1, refreshedAt: at };
          } else if (judged.is === "REPEATED") {
            expect(number).toBe(state.number - 1);
            expect(at.getTime() - state.refreshedAt.getTime()).toBeLessThan(graceMs);
          } else state = { ...state, ended: true };
        }
      }),
    );
  });
});
