// What is known of principals, kept in memory and dropped when the feed says that it changed.
import type { Clock } from "../../kernel/clock.ts";
import type { FeedEvent, Reader } from "../../kernel/database.ts";
import type { Freshness, Standings } from "../../kernel/ports.ts";
import type { Standing } from "../../kernel/principal.ts";
import { createRecentMap } from "../../kernel/recent-map.ts";
import { type ReadStanding, readStanding } from "./store.ts";

export interface StandingsDeps {
  readonly reader: Reader;
  readonly freshness: Freshness;
  readonly clock: Clock;
  /** Most principals kept. */
  readonly capacity?: number;
}

export interface StandingCache extends Standings {
  onFeed(events: readonly FeedEvent[]): void;
}

interface Kept {
  readonly standing: ReadStanding;
  /** Unix milliseconds. */
  readonly until: number;
}

const defaultCapacity = 10_000;

/** Well below the life of a feed event, so that what a cut-off replica never heard of cannot outlive the event. */
const longestKeptMs = 300_000;

/** Roles were listed at `now`; once a grant ends the list is wrong. */
function keptUntil(standing: Standing, now: number): number {
  const ends = standing.grants.flatMap(({ expiresAt }) =>
    expiresAt !== undefined && expiresAt > now ? expiresAt : [],
  );
  return ends.reduce((least, end) => Math.min(least, end), now + longestKeptMs);
}

/** Remembers the most recently used, up to `capacity`. */
function createMemory(capacity: number) {
  const kept = createRecentMap<Kept>(capacity);
  return {
    get(id: string, now: number): Standing | undefined {
      const found = kept.get(id);
      return found === undefined || found.until <= now ? undefined : found.standing;
    },
    put(standing: ReadStanding, now: number): void {
      kept.set(standing.principalId, { standing, until: keptUntil(standing, now) });
    },
    drop(id: string): void {
      kept.delete(id);
    },
    dropHolders(role: string): void {
      kept.sweep(({ standing }) => standing.rolesInGrants.has(role));
    },
  };
}

export function createStandings({
  reader,
  freshness,
  clock,
  capacity = defaultCapacity,
}: StandingsDeps): StandingCache {
  const memory = createMemory(capacity);
  const loading = new Map<string, Promise<ReadStanding | undefined>>();

  async function load(id: string): Promise<Standing | undefined> {
    const started = readStanding(reader, id, clock.now());
    loading.set(id, started);
    try {
      const standing = await started;
      // A change announced meanwhile took this load off the list: it may have read what was before.
      if (standing !== undefined && loading.get(id) === started) memory.put(standing, clock.now().getTime());
      return standing;
    } finally {
      if (loading.get(id) === started) loading.delete(id);
    }
  }

  function peek(id: string): Standing | undefined {
    const now = clock.now();
    return freshness.fresh(now) ? memory.get(id, now.getTime()) : undefined;
  }

  return {
    peek,
    of: async (id) => peek(id) ?? (await (loading.get(id) ?? load(id))),
    fresh: (id) => readStanding(reader, id, clock.now()),
    onFeed(events) {
      for (const { kind, key } of events) {
        if (kind === "role") {
          memory.dropHolders(key);
          // Who is being read holds nobody knows what.
          loading.clear();
        }
        if (kind !== "principal") continue;
        memory.drop(key);
        loading.delete(key);
      }
    },
  };
}
