// Remembers the answers of requests that carry a request id, sealed, for 24 hours, per principal and method.

import type { LoneWriter, Reader, Transaction } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { InstallationSealer, Macs } from "../../kernel/sealing.ts";
import type { Sweep } from "../../kernel/sweep.ts";
import type { Exchange } from "../exchange.ts";
import { deleteRecordsBefore, type RecordKey, selectRecord, storeRecord } from "./store.ts";

export const keptForMs = 24 * 60 * 60_000;

function keptSince(now: Date): Date {
  return new Date(now.getTime() - keptForMs);
}

/** Those who have no principal share one name; what tells them apart is the content of the request. */
const nobody = "00000000-0000-0000-0000-000000000000";

export interface RequestKey extends RecordKey {
  readonly body: Uint8Array;
  readonly now: Date;
}

export interface RequestRecords {
  /** Undefined for requests without request id. */
  keyOf(exchange: Pick<Exchange, "entry" | "request" | "principal" | "body" | "now">): RequestKey | undefined;
  /** The earlier answer, if there is one. Throws REQUEST_ID_REUSED when it answered another request. */
  find(key: RequestKey): Promise<Uint8Array | undefined>;
  /** In the transaction of the effect. Violates `requestRecordKey` when the same request id committed meanwhile. */
  remember(tx: Transaction, key: RequestKey, answer: Uint8Array): Promise<void>;
}

function bindingOf(key: RecordKey) {
  return { kind: "request_record", id: `${key.principalId}/${key.method}/${key.requestId}` };
}

export function createRequestRecords(deps: {
  readonly reader: Reader;
  readonly sealer: InstallationSealer;
  readonly macs: Macs;
}): RequestRecords {
  const parts = (key: RequestKey) => [key.principalId, key.method, key.body] as const;
  return {
    keyOf({ entry, request, principal, body, now }) {
      const requestId = request === undefined ? "" : (entry.requestId?.(request) ?? "");
      if (requestId === "") return undefined;
      return {
        principalId: principal?.id ?? nobody,
        method: entry.name,
        requestId: requestId.toLowerCase(),
        body,
        now,
      };
    },
    async find(key) {
      const row = await selectRecord(deps.reader, key, keptSince(key.now));
      if (row === undefined) return undefined;
      const fingerprint = { version: row.fingerprint_version, value: row.fingerprint };
      if (!deps.macs.matches("request-fingerprint", parts(key), fingerprint))
        throw new GatehouseError("REQUEST_ID_REUSED");
      return deps.sealer.open("request-record", bindingOf(key), row.response);
    },
    async remember(tx, key, answer) {
      const fingerprint = deps.macs.mac("request-fingerprint", parts(key));
      const response = deps.sealer.seal("request-record", bindingOf(key), answer);
      const row = { fingerprint: fingerprint.value, fingerprint_version: fingerprint.version, response };
      await storeRecord(tx, key, row, { now: key.now, keptSince: keptSince(key.now) });
    },
  };
}

const sweepEveryMs = 10 * 60_000;

/** Removes what is kept no longer. */
export function requestRecordSweep(writer: LoneWriter): Sweep {
  return {
    name: "request records",
    everyMs: sweepEveryMs,
    run: (now) => deleteRecordsBefore(writer, keptSince(now)),
  };
}
