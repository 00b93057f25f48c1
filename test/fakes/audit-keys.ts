// Keys of the audit trail that hide nothing: sealed values hold their binding and subject in clear, and open nowhere else.

import type { AuditKeys } from "../../src/audit/ports.ts";
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { Binding } from "../../src/kernel/sealing.ts";
import { fakeMacs, fakeSealer } from "./sealing.ts";

export interface FakeAuditKeys extends AuditKeys {
  /** Subjects that have a key, beside the one of the month. */
  readonly known: Set<string>;
  readonly erased: Set<string>;
  /** How often a key was asked for. */
  asked: number;
}

export const monthOfTest = "unattributed-2026-11";

const label = (subject: string, binding: Binding) => Buffer.from(`${subject}|${binding.kind}|${binding.id}|`);

export function createFakeAuditKeys(...subjects: string[]): FakeAuditKeys {
  const keys: FakeAuditKeys = {
    known: new Set(subjects),
    erased: new Set(),
    asked: 0,
    subjects: {
      async sealerFor(principalId) {
        keys.asked += 1;
        if (principalId !== undefined && !keys.known.has(principalId)) throw new GatehouseError("PRINCIPAL_NOT_FOUND");
        const subject = principalId ?? monthOfTest;
        return { subject, seal: (binding, plaintext) => Buffer.concat([label(subject, binding), plaintext]) };
      },
      async open(subject, binding, sealed) {
        if (keys.erased.has(subject)) return undefined;
        const expected = label(subject, binding);
        const bytes = Buffer.from(sealed);
        if (!bytes.subarray(0, expected.length).equals(expected)) throw new GatehouseError("DATA_CORRUPT");
        return bytes.subarray(expected.length);
      },
    },
    sealer: fakeSealer,
    blindIndex: {
      of: (field, text) => fakeMacs.mac("blind-index", [field, text]),
      candidates: (field, text) => [fakeMacs.mac("blind-index", [field, text]).value],
    },
  };
  return keys;
}
