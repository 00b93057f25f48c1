// What the tests of the keys stand on: a clock to set, a key home that can fail, and tables in memory.
import type { Clock } from "../../../src/kernel/clock.ts";
import type { DataKeyCacheDeps } from "../../../src/keys/data-key-cache.ts";
import { newWrappingKeys } from "../../../src/keys/local/document.ts";
import { createLocalWrapper } from "../../../src/keys/local/wrapper.ts";
import {
  type DataKeyReader,
  type DataKeyRow,
  type DataKeyWriter,
  KeyHomeUnavailable,
  type KeyWrapper,
  type SubjectKeyReader,
  type SubjectKeyRow,
  type SubjectKeyWriter,
} from "../../../src/keys/ports.ts";

export const installationId = "018f0000-0000-7000-8000-000000000001";

export interface SettableClock extends Clock {
  time: number;
}

export function settableClock(time = Date.UTC(2026, 10, 21)): SettableClock {
  return {
    time,
    now() {
      return new Date(this.time);
    },
  };
}

export interface FakeHome extends KeyWrapper {
  mode: "answers" | "unreachable" | "refuses";
  unwraps: number;
}

/** A real local wrapper that can be cut off or told to refuse. */
export function fakeHome(id = installationId): FakeHome {
  const wrapper = createLocalWrapper(newWrappingKeys(new Date(0)), id);
  const gate = <T>(home: FakeHome, answer: () => Promise<T>): Promise<T> => {
    if (home.mode === "unreachable") return Promise.reject(new KeyHomeUnavailable("no answer"));
    return home.mode === "refuses" ? Promise.reject(new Error("permission denied")) : answer();
  };
  return {
    mode: "answers",
    unwraps: 0,
    generateDataKeys(contexts) {
      return gate(this, () => wrapper.generateDataKeys(contexts));
    },
    wrap(items) {
      return gate(this, () => wrapper.wrap(items));
    },
    unwrap(items) {
      this.unwraps += items.length;
      return gate(this, () => wrapper.unwrap(items));
    },
  };
}

export function cacheDeps(clock: Clock, changes: Partial<DataKeyCacheDeps> = {}): DataKeyCacheDeps {
  return {
    clock,
    maxAgeMs: 1000,
    maxStaleMs: 5000,
    retryMs: 100,
    maxMessages: 1000,
    maxEntries: 100,
    onStale: () => undefined,
    ...changes,
  };
}

/** The table data_key, with the rule of its primary key. */
export function dataKeyTable(rows: DataKeyRow[] = []): DataKeyReader & DataKeyWriter & { readonly rows: DataKeyRow[] } {
  return {
    rows,
    load: async () => [...rows],
    async insertIfAbsent(added) {
      const taken = added.some((row) =>
        rows.some((other) => other.purpose === row.purpose && other.version === row.version),
      );
      if (!taken) rows.push(...added);
      return !taken;
    },
  };
}

/** The table subject_key. */
export function subjectKeyTable(): SubjectKeyReader & SubjectKeyWriter & { readonly rows: Map<string, SubjectKeyRow> } {
  const rows = new Map<string, SubjectKeyRow>();
  const insert = async (subject: string, wrapped: NonNullable<SubjectKeyRow["wrapped"]>): Promise<boolean> => {
    if (rows.has(subject)) return false;
    rows.set(subject, { subject, wrapped });
    return true;
  };
  return {
    rows,
    find: async (subject) => rows.get(subject),
    insert: (_tx, subject, wrapped) => insert(subject, wrapped),
    insertAlone: insert,
  };
}
