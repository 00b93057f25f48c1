// What the driver throws, in our words: SQLSTATE and socket errors become GatehouseError or UniqueViolation, so that no
// raw driver error (which holds SQL and values) reaches a caller.
import pg from "pg";
import { UniqueViolation } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";

const uniqueViolation = "23505";
/** A NUL in text, which nothing but a caller's input can hold. */
const unstorableText = "22021";
const retried = new Set(["40001", "40P01"]);

// Classes and codes after which Postgres may be fine in a moment: connection, resources, operator, system, and the time
// limits on a statement, on a lock and on an idle transaction.
const unavailableClasses = new Set(["08", "53", "58", "F0"]);
const unavailableCodes = new Set(["25P03", "25P04", "55P03", "57014", "57P01", "57P02", "57P03", "57P04", "57P05"]);

export function sqlState(error: unknown): string | undefined {
  return error instanceof pg.DatabaseError ? error.code : undefined;
}

/** True when Postgres undid the transaction for the sake of another one, and it may be run again. */
export function isRetryable(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && retried.has(state);
}

function isUnavailable(state: string): boolean {
  return unavailableClasses.has(state.slice(0, 2)) || unavailableCodes.has(state);
}

/** True when the connection is of no more use: the socket failed, or Postgres is ending it. */
export function isConnectionLost(error: unknown): boolean {
  const state = sqlState(error);
  if (state === undefined) return true;
  return state.startsWith("08") || state.startsWith("57P") || state.startsWith("25P0");
}

/** True when Postgres answered that the statement failed, so that nothing of the transaction can have been committed. */
export function isRefusal(error: unknown): boolean {
  const state = sqlState(error);
  return state !== undefined && !isConnectionLost(error) && !state.startsWith("XX") && state !== "40003";
}

/** The error that callers see for `error`. What is neither a lost connection nor a unique violation is a fault of ours. */
export function translate(error: unknown): Error {
  if (error instanceof GatehouseError || error instanceof UniqueViolation) return error;
  if (error instanceof TypeError || error instanceof RangeError)
    return new GatehouseError("INTERNAL", { cause: error });
  if (!(error instanceof pg.DatabaseError)) return new GatehouseError("DATABASE_UNAVAILABLE", { cause: error });
  const state = error.code ?? "";
  if (state === uniqueViolation) return new UniqueViolation(error.constraint ?? "", { cause: error });
  if (state === unstorableText) return new GatehouseError("REQUEST_INVALID", { cause: error });
  return new GatehouseError(isUnavailable(state) ? "DATABASE_UNAVAILABLE" : "INTERNAL", { cause: error });
}
