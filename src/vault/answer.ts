// Reads the JSON of Vault's answers, and believes none of its shape.
import type { VaultData } from "./ports.ts";
import { VaultUnavailable } from "./ports.ts";
import type { RawAnswer } from "./transport.ts";

export interface VaultAnswer {
  readonly data: VaultData;
  /** Of a login or a renewal. */
  readonly auth: VaultData | undefined;
  readonly errors: readonly string[];
}

function isObject(value: unknown): value is VaultData {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function strings(value: unknown): readonly string[] {
  return Array.isArray(value) ? value.filter((one) => typeof one === "string") : [];
}

/** Throws VaultUnavailable `answer` when a success is not what Vault would say: then something else answered. */
export function readAnswer({ status, text }: RawAnswer, pathTemplate: string): VaultAnswer {
  const success = status >= 200 && status < 300;
  const body = text === "" ? {} : parsed(text);
  if (!isObject(body)) {
    if (success) throw new VaultUnavailable("answer", pathTemplate);
    return { data: {}, auth: undefined, errors: [] };
  }
  return {
    data: isObject(body.data) ? body.data : {},
    auth: isObject(body.auth) ? body.auth : undefined,
    // A mount of another kind says so in a warning beside 404.
    errors: success ? [] : [...strings(body.errors), ...strings(body.warnings)],
  };
}

export interface Lease {
  /** Undefined = it does not end by itself. */
  readonly leaseMs: number | undefined;
  readonly renewable: boolean;
}

/** `field` holds seconds, 0 for a token without an end. Undefined when it is not that. */
export function readLease(from: VaultData, field: "lease_duration" | "ttl"): Lease | undefined {
  const seconds = from[field];
  if (typeof seconds !== "number" || !Number.isSafeInteger(seconds) || seconds < 0) return undefined;
  return { leaseMs: seconds === 0 ? undefined : seconds * 1000, renewable: from.renewable === true };
}
