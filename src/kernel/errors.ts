// The one table of errors: reason -> gRPC code -> stable identifier, and the one error type that crosses a boundary.
// docs/errors.md is generated from here. A reason or an identifier, once released, is never reused or renamed.
import { auditReasons } from "./reasons/audit.ts";
import { authReasons } from "./reasons/auth.ts";
import { coreReasons } from "./reasons/core.ts";
import { grpcCode } from "./reasons/entry.ts";
import { secretsReasons } from "./reasons/secrets.ts";
import { tokenReasons } from "./reasons/token.ts";
import { wireReasons } from "./reasons/wire.ts";

export { grpcCode };

export const errorTable = {
  ...authReasons,
  ...tokenReasons,
  ...secretsReasons,
  ...auditReasons,
  ...coreReasons,
  ...wireReasons,
} as const;

export type Reason = keyof typeof errorTable;

export interface FieldViolation {
  /** Path of the field in the request, such as `grant.resource`. */
  readonly field: string;
  readonly description: string;
}

export interface ErrorOptions {
  /** Public; lower case, no period, no echo of the input. Default: the table's. */
  readonly message?: string;
  /** Goes to the log under the error id, and nowhere else. */
  readonly cause?: unknown;
  readonly violations?: readonly FieldViolation[];
  readonly retryAfterMs?: number;
  /** Public, beside code, error_id and timestamp in ErrorInfo. Keys as AIP-193 has them. */
  readonly metadata?: Readonly<Record<string, string>>;
  /**
   * The finer reason that the audit record keeps, where the caller must not learn it: an unknown login name and a
   * wrong password are one answer outside and two reasons inside.
   */
  readonly auditReason?: string;
}

export class GatehouseError extends Error {
  override readonly name = "GatehouseError";
  readonly reason: Reason;
  readonly violations: readonly FieldViolation[];
  readonly retryAfterMs: number | undefined;
  readonly metadata: Readonly<Record<string, string>>;
  readonly auditReason: string;

  constructor(reason: Reason, options: ErrorOptions = {}) {
    super(options.message ?? errorTable[reason].message, { cause: options.cause });
    this.reason = reason;
    this.violations = options.violations ?? [];
    this.retryAfterMs = options.retryAfterMs;
    this.metadata = options.metadata ?? {};
    this.auditReason = options.auditReason ?? reason;
  }

  get code(): number {
    return grpcCode[errorTable[this.reason].code];
  }
}

/** A single field that is wrong, as REQUEST_INVALID. */
export function invalidField(field: string, description: string): GatehouseError {
  return new GatehouseError("REQUEST_INVALID", { violations: [{ field, description }] });
}
