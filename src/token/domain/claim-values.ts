// Reading single claims: strict about their kind, so that nothing is ever converted, and no number is out of range.
import { GatehouseError } from "../../kernel/errors.ts";
import type { JsonObject } from "./strict-json.ts";

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;

export function malformed(): GatehouseError {
  return new GatehouseError("TOKEN_MALFORMED");
}

export function text(payload: JsonObject, name: string): string {
  const value = payload[name];
  if (typeof value !== "string" || value === "") throw malformed();
  return value;
}

export function texts(payload: JsonObject, name: string): readonly string[] {
  const value = payload[name];
  if (!Array.isArray(value) || !value.every((item) => typeof item === "string")) throw malformed();
  return value;
}

/** 1e999 is a number to JSON.parse: Infinity, and a token that never expires. Fractions and 9e15 are refused with it. */
function wholeNumber(payload: JsonObject, name: string): number {
  const value = payload[name];
  if (typeof value !== "number" || !Number.isSafeInteger(value) || value < 0) throw malformed();
  return value;
}

export function instant(payload: JsonObject, name: string): number {
  const value = wholeNumber(payload, name);
  // Beyond what a Date can hold (ECMA-262 section 21.4.1.1).
  if (value > 8.64e12) throw malformed();
  return value;
}

/** Of a principal or a client: int32, as Postgres has it. */
export function generationNumber(payload: JsonObject, name: string): number {
  const value = wholeNumber(payload, name);
  if (value > 2 ** 31 - 1) throw malformed();
  return value;
}

/** As `instant`, in milliseconds. */
export function preciseInstant(payload: JsonObject, name: string): number {
  const value = wholeNumber(payload, name);
  if (value > 8.64e15) throw malformed();
  return value;
}

export function uuid(value: string | undefined): string {
  if (value === undefined || !uuidPattern.test(value)) throw malformed();
  return value;
}

export function uuidText(payload: JsonObject, name: string): string {
  return uuid(text(payload, name));
}

export function asObject(value: unknown): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw malformed();
  return value as JsonObject;
}

/** Undefined when the claim is absent; a claim that is there is read, whatever it holds. */
export function optional<T>(
  payload: JsonObject,
  name: string,
  read: (payload: JsonObject, name: string) => T,
): T | undefined {
  return payload[name] === undefined ? undefined : read(payload, name);
}
