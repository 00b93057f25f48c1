// Answers kept for request ids, in memory: the semantics of the real ones, without Postgres.
import { UniqueViolation } from "../../src/kernel/database.ts";
import { GatehouseError } from "../../src/kernel/errors.ts";
import { createRequestRecords, keptForMs, type RequestRecords } from "../../src/rpc/request-records/records.ts";
import { requestRecordKey } from "../../src/rpc/request-records/store.ts";
import { fakeMacs, fakeSealer } from "./sealing.ts";
import type { FakeTransaction } from "./unit-of-work.ts";

export function createFakeRequestRecords(): RequestRecords {
  const kept = new Map<string, { readonly body: Uint8Array; readonly answer: Uint8Array; readonly at: number }>();
  const { keyOf } = createRequestRecords({ reader: { rows: async () => [] }, sealer: fakeSealer, macs: fakeMacs });
  const nameOf = (key: { principalId: string; method: string; requestId: string }) =>
    `${key.principalId}/${key.method}/${key.requestId}`;
  return {
    keyOf,
    async find(key) {
      const row = kept.get(nameOf(key));
      if (row === undefined || row.at <= key.now.getTime() - keptForMs) return undefined;
      if (!Buffer.from(row.body).equals(key.body)) throw new GatehouseError("REQUEST_ID_REUSED");
      return row.answer;
    },
    async remember(tx, key, answer) {
      (tx as FakeTransaction).atCommit(() => {
        if (kept.has(nameOf(key))) throw new UniqueViolation(requestRecordKey);
        kept.set(nameOf(key), { body: key.body, answer, at: key.now.getTime() });
      });
    },
  };
}
