// What the audit slice needs from outside, beyond the kernel's words.
import type { InstallationSealer } from "../kernel/sealing.ts";
import type { BlindIndex, SubjectKeyRing } from "../keys/ports.ts";

/**
 * The keys that records are sealed with. Nothing is asked of them for a record without personal part and details, so
 * records of the keys' own making can be written before there are any.
 */
export interface AuditKeys {
  /** Personal parts. `sealerFor` may be slow; what it answers is not. */
  readonly subjects: Pick<SubjectKeyRing, "sealerFor" | "open">;
  /** Details, under the purpose `audit-details`. Synchronous. */
  readonly sealer: Pick<InstallationSealer, "seal" | "open">;
  /** Look-up values of address and login name. Synchronous. */
  readonly blindIndex: BlindIndex;
}
