// How values of Postgres become values of JavaScript, for every connection.
import pg from "pg";

const int8 = pg.types.builtins.INT8;

/** Counters and versions stay far below 2^53; one beyond it is a fault, and a rounded one would be a worse fault. */
function parseInt8(text: string): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError("a bigint of the database is beyond 2^53");
  return value;
}

export const typeParsers: pg.CustomTypesConfig = {
  getTypeParser: ((oid: number, format?: "text" | "binary") =>
    oid === int8 && format !== "binary"
      ? parseInt8
      : pg.types.getTypeParser(oid, format)) as typeof pg.types.getTypeParser,
};
