// A place to count shared limits in memory; two of them on the same counts are two processes on one store. It can be away.
import { GatehouseError } from "../../src/kernel/errors.ts";
import { cellsOf, decisionOf, type Held } from "../../src/rpc/limits/cells.ts";
import type { LimitStore } from "../../src/rpc/limits/ports.ts";

/** With the budget that it was counted under. */
export type Counted = Held & { readonly burst: number };

const debtUnder = (owed: number, from: number, to: number) =>
  from === to ? owed : Math.min(Math.ceil((owed / from) * to), to);

export interface FakeLimitStore extends LimitStore {
  away: boolean;
  /** How often it was asked. */
  readonly asked: number;
}

export function createFakeLimitStore(counts = new Map<string, Counted>()): FakeLimitStore {
  const state = { away: false, asked: 0 };
  return {
    kind: "postgres",
    get away() {
      return state.away;
    },
    set away(away) {
      state.away = away;
    },
    get asked() {
      return state.asked;
    },
    async take(key, rate, now, cost) {
      state.asked += 1;
      if (state.away) throw new GatehouseError("LIMITS_UNAVAILABLE");
      const cells = cellsOf(rate);
      const at = now.getTime() * 1000;
      const name = key.toString("hex");
      const known = counts.get(name);
      const { burst } = cells;
      const owed = known === undefined ? 0 : debtUnder(known.arrival - at, known.burst, burst);
      const due = Math.max(owed, 0) + cost * cells.step;
      const held: Counted =
        due <= burst
          ? { arrival: at + due, refusals: 0, burst }
          : { arrival: at + owed, refusals: Math.min((known?.refusals ?? 0) + 1, 2), burst };
      counts.set(name, held);
      return decisionOf(held, cells, at, cost);
    },
  };
}
