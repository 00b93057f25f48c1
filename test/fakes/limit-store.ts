// A place to count shared limits in memory; two of them on the same counts are two processes on one store. It can be away.
import { GatehouseError } from "../../src/kernel/errors.ts";
import { cellsOf, decisionOf, type Held } from "../../src/rpc/limits/cells.ts";
import type { LimitStore } from "../../src/rpc/limits/ports.ts";

export interface FakeLimitStore extends LimitStore {
  away: boolean;
  /** How often it was asked. */
  readonly asked: number;
}

export function createFakeLimitStore(counts = new Map<string, Held>()): FakeLimitStore {
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
      const due = Math.max(known?.arrival ?? at, at) + cost * cells.step;
      const held: Held =
        due - at <= cells.burst
          ? { arrival: due, refusals: 0 }
          : { arrival: known?.arrival ?? at, refusals: Math.min((known?.refusals ?? 0) + 1, 2) };
      counts.set(name, held);
      return decisionOf(held, cells, at, cost);
    },
  };
}
