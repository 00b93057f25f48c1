// The byte strings that tie what is sealed to the place where it belongs. Changing one makes stored data unreadable:
// a new form needs a new label, and the old one stays readable.
import type { Binding, SealPurpose } from "../kernel/sealing.ts";
import { canonicalTuple } from "./canonical-tuple.ts";

function place(binding: Binding): [string, string, string | number] {
  return [binding.kind, binding.id, binding.version ?? ""];
}

/** Additional data of a value under a data key of its own; the key is named by the same place. */
export function valueData(installationId: string, binding: Binding): Buffer {
  return canonicalTuple(["gatehouse/value/v1", installationId, ...place(binding)]);
}

/** Context in which that data key is wrapped. */
export function valueKeyContext(installationId: string, binding: Binding): Buffer {
  return canonicalTuple(["gatehouse/value-key/v1", installationId, ...place(binding)]);
}

export function subjectData(installationId: string, subject: string, binding: Binding): Buffer {
  return canonicalTuple(["gatehouse/subject/v1", installationId, subject, ...place(binding)]);
}

export function subjectKeyContext(installationId: string, subject: string): Buffer {
  return canonicalTuple(["gatehouse/subject-key/v1", installationId, subject]);
}

export function purposeData(installationId: string, purpose: SealPurpose, version: number, binding: Binding): Buffer {
  return canonicalTuple(["gatehouse/purpose/v1", installationId, purpose, version, ...place(binding)]);
}

export function purposeKeyContext(installationId: string, purpose: string, version: number): Buffer {
  return canonicalTuple(["gatehouse/purpose-key/v1", installationId, purpose, version]);
}
