// Limits in Postgres: one row a key in a table without write-ahead log, one atomic statement a call.
import type { LoneWriter, Row, Statement } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { Sweep } from "../../kernel/sweep.ts";
import { cellsOf, decisionOf } from "./cells.ts";
import type { LimitStore } from "./ports.ts";

// $2 = now, $3 = what the call costs, $4 = what may be owed at most. A debt of another budget becomes the same share of
// this one, as ports.ts has it.
const takeCells: Statement = {
  name: "rpc.take_limit_cells",
  text: `insert into limit_cell as held (key, arrival, refusals, burst)
         values ($1::bytea, $2::bigint + case when $3::bigint <= $4::bigint then $3::bigint else 0 end,
                 case when $3::bigint <= $4::bigint then 0 else 1 end, $4::bigint)
         on conflict (key) do update set (arrival, refusals, burst) = (
           select case when due <= $2::bigint + $4::bigint then due else known end,
                  case when due <= $2::bigint + $4::bigint then 0 else least(held.refusals + 1, 2) end, $4::bigint
           from (select case when held.burst = $4::bigint then held.arrival
                   else $2::bigint + least(ceil((held.arrival - $2::bigint)::float8 / held.burst * $4::bigint), $4::bigint)::bigint
                   end) as share (known),
                lateral (select greatest(known, $2::bigint) + $3::bigint) as call (due))
         returning arrival, refusals`,
};

// What owes nothing any more, and what a clock that ran far ahead has written.
const deletePaidOff: Statement = {
  name: "rpc.delete_paid_off_limit_cells",
  text: "delete from limit_cell where arrival < $1::bigint or arrival - burst > $2::bigint",
};

interface CellRow extends Row {
  readonly arrival: number;
  readonly refusals: number;
}

function unavailable(cause: unknown): GatehouseError {
  return new GatehouseError("LIMITS_UNAVAILABLE", { cause });
}

export function createPostgresLimitStore(writer: LoneWriter): LimitStore {
  return {
    kind: "postgres",
    async take(key, rate, now, cost) {
      const cells = cellsOf(rate);
      const at = now.getTime() * 1000;
      let rows: readonly CellRow[];
      try {
        rows = await writer.write<CellRow>(takeCells, [key, at, cost * cells.step, cells.burst]);
      } catch (cause) {
        throw unavailable(cause);
      }
      const [held] = rows;
      if (held === undefined) throw unavailable(new TypeError("the statement answered no row"));
      return decisionOf(held, cells, at, cost);
    },
  };
}

const sweepEveryMs = 60_000;
const largestSkewMs = 5 * 60_000;

export function limitCellSweep(writer: LoneWriter): Sweep {
  return {
    name: "limits",
    everyMs: sweepEveryMs,
    run: async (now) => {
      const at = now.getTime();
      await writer.write(deletePaidOff, [at * 1000, (at + largestSkewMs) * 1000]);
    },
  };
}
