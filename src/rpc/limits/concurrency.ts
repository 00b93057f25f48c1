// How much one caller may have under way at once: a caller that opens and waits costs memory that no budget of calls counts.
import { GatehouseError } from "../../kernel/errors.ts";
import type { Counter, Metrics } from "../../kernel/metrics.ts";
import { createRecentMap, type RecentMap } from "../../kernel/recent-map.ts";

export interface ConcurrencySettings {
  readonly callsPerCaller: number;
  readonly streamsPerCaller: number;
}

/** A caller's calls, or its streams, that are under way. */
export interface Seat {
  taken: number;
}

export type SeatKind = "calls" | "streams";

export interface Concurrency {
  /** To be given back by `taken -= 1`. Throws CONCURRENCY_LIMITED. `callers` may stand behind the key. */
  take(kind: SeatKind, key: string, callers: number): Seat;
  update(settings: ConcurrencySettings): void;
}

const mostCallers = 50_000;
const retryAfterMs = 100;

export function createConcurrency(initial: ConcurrencySettings, metrics: Metrics): Concurrency {
  let settings = initial;
  const seats: Record<SeatKind, RecentMap<Seat>> = {
    calls: createRecentMap(mostCallers),
    streams: createRecentMap(mostCallers),
  };
  const refused = metrics.counter({
    name: "gatehouse_concurrency_refused_total",
    help: "Calls and streams refused because their caller had too many under way.",
    labels: ["kind"],
  });
  const counters: Record<SeatKind, Counter> = {
    calls: refused.with({ kind: "calls" }),
    streams: refused.with({ kind: "streams" }),
  };

  function refusal(kind: SeatKind, most: number): GatehouseError {
    counters[kind].add();
    return new GatehouseError("CONCURRENCY_LIMITED", {
      retryAfterMs,
      metadata: { limit: `concurrent ${kind}`, at_once: String(most) },
    });
  }

  return {
    take(kind, key, callers) {
      const known = seats[kind].get(key);
      const seat = known ?? { taken: 0 };
      const most = (kind === "calls" ? settings.callsPerCaller : settings.streamsPerCaller) * callers;
      if (seat.taken >= most) throw refusal(kind, most);
      if (known === undefined) seats[kind].set(key, seat);
      seat.taken += 1;
      return seat;
    },
    update(changed) {
      settings = changed;
    },
  };
}
