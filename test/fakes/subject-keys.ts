// Subject keys that hide nothing, but open only what was sealed for the same subject and place.
import { GatehouseError } from "../../src/kernel/errors.ts";
import type { Binding, SubjectKeys } from "../../src/kernel/sealing.ts";

const label = (subject: string, { kind, id, version }: Binding) =>
  Buffer.from(`${subject}|${kind}|${id}|${version ?? ""}|`);

export interface FakeSubjectKeys extends SubjectKeys {
  /** Subjects whose key was stored. */
  readonly stored: string[];
}

export function fakeSubjectKeys(): FakeSubjectKeys {
  const stored: string[] = [];
  const seal = (subject: string, binding: Binding, plaintext: Uint8Array) =>
    Buffer.concat([label(subject, binding), plaintext]);
  return {
    stored,
    prepare: async (principalId) => ({
      seal: (binding, plaintext) => seal(principalId, binding, plaintext),
      store: async () => void stored.push(principalId),
    }),
    async seal(principalId, binding, plaintext) {
      const subject = principalId ?? "unattributed";
      return { subject, sealed: seal(subject, binding, plaintext) };
    },
    async open(subject, binding, sealed) {
      const expected = label(subject, binding);
      const bytes = Buffer.from(sealed);
      if (!bytes.subarray(0, expected.length).equals(expected)) throw new GatehouseError("DATA_CORRUPT");
      return bytes.subarray(expected.length);
    },
  };
}
