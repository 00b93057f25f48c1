// What may be done with a signing key at which instant, as a table.
import { describe, expect, it } from "vitest";
import type { SigningKeyFacts } from "../../../../src/keys/ports.ts";
import {
  mayDestroy,
  maySign,
  nextChange,
  rotationDue,
  signerOf,
  stateOf,
  successorOf,
  verifies,
  verifiesUntil,
} from "../../../../src/keys/signing/states.ts";

const start = Date.UTC(2026, 10, 21);
const hour = 3_600_000;
const day = 24 * hour;
const at = (offset: number) => new Date(start + offset);
const life = 30 * 60_000;

/** Signs from one hour to ten, verifies half an hour longer. */
function key(more: Partial<SigningKeyFacts> = {}): SigningKeyFacts {
  return {
    kid: "k1",
    algorithm: "ES256",
    number: 1,
    home: "local",
    createdAt: at(0),
    activatesAt: at(hour),
    deactivatesAt: at(10 * hour),
    verifiesUntil: at(10 * hour + life),
    compromisedAt: undefined,
    destroyedAt: undefined,
    ...more,
  };
}
const open = (more: Partial<SigningKeyFacts> = {}) =>
  key({ deactivatesAt: undefined, verifiesUntil: undefined, ...more });

describe("states of a signing key", () => {
  it.each([
    ["from its making", 0, "pre_activation", true, false],
    ["31 s before its time", hour - 31_000, "pre_activation", true, false],
    ["within the skew of clocks", hour - 30_000, "pre_activation", true, true],
    ["from its time on", hour, "active", true, true],
    ["until its end", 10 * hour - 1, "active", true, true],
    ["at its end", 10 * hour, "deactivated", true, true],
    ["within the skew after it", 10 * hour + 30_000, "deactivated", true, true],
    ["31 s after it", 10 * hour + 31_000, "deactivated", true, false],
    ["until its last token has expired", 10 * hour + life - 1, "deactivated", true, false],
    ["after that", 10 * hour + life, "deactivated", false, false],
  ] as const)("KEY-06 KEY-07 %s", (_title, offset, state, checks, signs) => {
    const now = at(offset);
    expect([stateOf(key(), now), verifies(key(), now, life), maySign(key(), now)]).toEqual([state, checks, signs]);
  });

  it.each([0, hour, 5 * hour, 10 * hour, 11 * hour])(
    "KEY-06 a compromised or destroyed key does nothing, at %i",
    (offset) => {
      for (const [state, more] of [
        ["compromised", { compromisedAt: at(hour) }],
        ["destroyed", { destroyedAt: at(hour) }],
        ["destroyed", { compromisedAt: at(hour), destroyedAt: at(hour) }],
      ] as const) {
        const gone = key(more);
        expect([stateOf(gone, at(offset)), verifies(gone, at(offset), life), maySign(gone, at(offset))]).toEqual([
          state,
          false,
          false,
        ]);
      }
    },
  );

  it("verifies for as long as the longer of two lives of tokens says, and for ever while nothing follows", () => {
    expect(verifiesUntil(key(), life)).toEqual(at(10 * hour + life));
    expect(verifiesUntil(key(), 2 * life)).toEqual(at(10 * hour + 2 * life));
    expect(verifiesUntil(key(), 0)).toEqual(at(10 * hour + life));
    expect(verifiesUntil(open(), life)).toBeUndefined();
    expect(verifies(open(), at(3650 * day), life)).toBe(true);
  });
});

describe("the key that signs", () => {
  const asked = (offset: number) => ({ algorithm: "ES256" as const, home: "local" as const, now: at(offset) });

  it("is the newest active one of its algorithm and home", () => {
    const keys = [
      open({ kid: "old", number: 1 }),
      open({ kid: "new", number: 2 }),
      open({ kid: "other", number: 3, algorithm: "EdDSA" }),
      open({ kid: "elsewhere", number: 4, home: "vault" }),
      open({ kid: "stolen", number: 5, compromisedAt: at(hour) }),
    ];
    expect(signerOf(keys, asked(2 * hour))?.kid).toBe("new");
    expect(signerOf(keys.toReversed(), asked(2 * hour))?.kid).toBe("new");
    expect(signerOf([], asked(0))).toBeUndefined();
  });

  it("hands over in one instant, without a gap and without two", () => {
    const keys = [key({ kid: "old" }), open({ kid: "new", number: 2, activatesAt: at(10 * hour) })];
    expect(signerOf(keys, asked(10 * hour - 1))?.kid).toBe("old");
    expect(signerOf(keys, asked(10 * hour))?.kid).toBe("new");
    expect(successorOf(keys, at(10 * hour - 1))?.kid).toBe("new");
    expect(successorOf(keys, at(10 * hour))).toBeUndefined();
  });

  it("may be one that becomes active within the skew of clocks, when there is no other", () => {
    const soon = open();
    expect(signerOf([soon], asked(hour - 30_000))?.kid).toBe("k1");
    expect(signerOf([soon], asked(hour - 31_000))).toBeUndefined();
    expect(signerOf([soon, key({ kid: "old", activatesAt: at(0), number: 0 })], asked(hour - 1))?.kid).toBe("old");
  });
});

describe("turning over", () => {
  it("tells the next instant at which anything changes, and never one that has passed", () => {
    const keys = [key(), open({ kid: "new", number: 2, activatesAt: at(10 * hour) })];
    const seen: number[] = [];
    for (let now = start; ; now = seen.at(-1) ?? 0) {
      const next = nextChange(keys, new Date(now), life);
      if (next === Number.POSITIVE_INFINITY) break;
      expect(next).toBeGreaterThan(now);
      seen.push(next);
    }
    expect(seen).toContain(start + hour);
    expect(seen).toContain(start + 10 * hour);
    expect(seen).toContain(start + 10 * hour + life);
    expect(nextChange([], at(0), life)).toBe(Number.POSITIVE_INFINITY);
  });

  it("is due the lead before the time, once, and never when it is off", () => {
    const times = { rotationMs: 90 * day, leadMs: hour, tokenLifeMs: life };
    const due = hour + 90 * day - hour;
    expect(rotationDue(open(), at(due - 1), times)).toBe(false);
    expect(rotationDue(open(), at(due), times)).toBe(true);
    expect(rotationDue(key(), at(due), times)).toBe(false);
    expect(rotationDue(open(), at(3650 * day), { ...times, rotationMs: "off" })).toBe(false);
  });

  it("KEY-06 destroys a day after the last token has expired, and never what signs, waits or is gone", () => {
    const end = 10 * hour + life + day;
    expect(mayDestroy(key(), at(end - 1), life)).toBe(false);
    expect(mayDestroy(key(), at(end), life)).toBe(true);
    expect(mayDestroy(key(), at(end), 2 * life)).toBe(false);
    expect(mayDestroy(open(), at(3650 * day), life)).toBe(false);
    expect(mayDestroy(key({ destroyedAt: at(end) }), at(end), life)).toBe(false);
  });
});
