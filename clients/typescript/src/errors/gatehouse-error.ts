// The base of every error that a call can end with. Recognised by a brand, not by identity, so that `instanceof` holds
// across two copies of this package in one process.
import type { Reason } from "./reasons.ts";

const brand: unique symbol = Symbol.for("@gatehouse/client/error") as never;

export interface FieldViolation {
  /** Path of the field in the request, such as `grant.resource`. */
  readonly field: string;
  readonly description: string;
}

export interface ErrorParts {
  readonly message: string;
  /** A reason that this version does not know yet is possible. */
  readonly reason: Reason | (string & {});
  /** gRPC status code, 1 to 16. */
  readonly grpcCode: number;
  readonly code?: string | undefined;
  readonly errorId?: string | undefined;
  readonly timestamp?: Date | undefined;
  readonly retryAfterMs?: number | undefined;
  readonly violations?: readonly FieldViolation[];
  readonly metadata?: Readonly<Record<string, string>>;
  readonly requestId?: string | undefined;
  readonly cause?: unknown;
}

interface Kind {
  readonly kind: string;
}

/** From the class itself up to GatehouseError. */
function kindsOf(errorClass: unknown): string[] {
  const kinds: string[] = [];
  for (let at = errorClass; typeof at === "function"; at = Object.getPrototypeOf(at)) {
    if (Object.hasOwn(at, "kind")) kinds.push((at as unknown as Kind).kind);
  }
  return kinds;
}

function brandsOf(value: unknown): readonly unknown[] {
  if (typeof value !== "object" || value === null || !(brand in value)) return [];
  const kinds = value[brand];
  return Array.isArray(kinds) ? kinds : [];
}

/** A class derived elsewhere has no kind of its own: identity decides, as everywhere. */
function isOfClass(value: unknown, errorClass: typeof GatehouseError): boolean {
  if (Object.hasOwn(errorClass, "kind")) return brandsOf(value).includes(errorClass.kind);
  return Function.prototype[Symbol.hasInstance].call(errorClass, value);
}

export class GatehouseError extends Error {
  /** What `instanceof` compares; of its own in each class here. */
  static readonly kind: string = "GatehouseError";

  /** Why, as docs/errors.md has it; stable, made for programs. */
  readonly reason: Reason | (string & {});
  /** Stable identifier such as `SEC-AUTH-003`; undefined when the error arose on this side. */
  readonly code: string | undefined;
  /** gRPC status code, 1 to 16. */
  readonly grpcCode: number;
  /** Under which the server's log keeps the cause. */
  readonly errorId: string | undefined;
  /** When, by the server's clock. */
  readonly timestamp: Date | undefined;
  /** How long to wait before another attempt, where the server says so. */
  readonly retryAfterMs: number | undefined;
  readonly violations: readonly FieldViolation[];
  /** What else the server says, such as `permission`. */
  readonly metadata: Readonly<Record<string, string>>;
  /** The `request_id` that the request carried: repeat the request with it to learn, or reach, its outcome. */
  readonly requestId: string | undefined;

  constructor(parts: ErrorParts) {
    super(parts.message, { cause: parts.cause });
    this.name = new.target.kind;
    this.reason = parts.reason;
    this.code = parts.code;
    this.grpcCode = parts.grpcCode;
    this.errorId = parts.errorId;
    this.timestamp = parts.timestamp;
    this.retryAfterMs = parts.retryAfterMs;
    this.violations = parts.violations ?? [];
    this.metadata = parts.metadata ?? {};
    this.requestId = parts.requestId;
    Object.defineProperty(this, brand, { value: kindsOf(new.target) });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    // biome-ignore lint/complexity/noThisInStatic: it is the class on the right of instanceof
    return isOfClass(value, this);
  }
}

/** Narrows by reason, across package copies: `if (isReason(error, "SECRET_NOT_FOUND")) ...`. */
export function isReason<R extends Reason>(
  error: unknown,
  ...reasons: readonly R[]
): error is GatehouseError & { reason: R } {
  return error instanceof GatehouseError && (reasons as readonly string[]).includes(error.reason);
}
