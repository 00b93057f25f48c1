// What is counted of the database: connections, and how long reading and committing take.
import type { Reader } from "../kernel/database.ts";
import { GatehouseError } from "../kernel/errors.ts";
import { type Metrics, noMetrics } from "../kernel/metrics.ts";
import type { Observer } from "../kernel/observer.ts";
import { noTracer } from "../kernel/tracer.ts";
import type { UnitOfWork } from "../kernel/unit-of-work.ts";
import type { Database } from "./open.ts";

const bounds = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5];

type Outcome = "ok" | "refused" | "unavailable" | "unknown";

/** What work itself refuses is no fault of the database. */
function outcomeOf(error: unknown): Outcome {
  const reason = error instanceof GatehouseError ? error.reason : undefined;
  if (reason === "DATABASE_UNAVAILABLE") return "unavailable";
  return reason === "OUTCOME_UNKNOWN" ? "unknown" : "refused";
}

function createStopwatch(metrics: Metrics, name: string, help: string) {
  const family = metrics.histogram<"outcome">({ name, help, labels: ["outcome"], bounds });
  const by = (outcome: Outcome) => family.with({ outcome });
  const durations = { ok: by("ok"), refused: by("refused"), unavailable: by("unavailable"), unknown: by("unknown") };
  return async function timed<T>(work: () => Promise<T>): Promise<T> {
    const begun = performance.now();
    let outcome: Outcome = "ok";
    try {
      return await work();
    } catch (error) {
      outcome = outcomeOf(error);
      throw error;
    } finally {
      durations[outcome].record((performance.now() - begun) / 1000);
    }
  };
}

function observeConnections({ connections }: Database, metrics: Metrics): void {
  metrics.gauge<"state">(
    { name: "gatehouse_database_connections", help: "Connections in use and idle, and calls that wait for one." },
    () => {
      const { total, idle, waiting } = connections();
      return [
        [{ state: "used" }, total - idle],
        [{ state: "idle" }, idle],
        [{ state: "waiting" }, waiting],
      ];
    },
  );
}

export function observeDatabase(database: Database, { metrics, tracer }: Observer): Database {
  if (metrics === noMetrics && tracer === noTracer) return database;
  observeConnections(database, metrics);
  const read = createStopwatch(metrics, "gatehouse_database_read_duration_seconds", "Reads, their wait included.");
  const commit = createStopwatch(
    metrics,
    "gatehouse_database_transaction_duration_seconds",
    "Transactions of calls, from their first statement to COMMIT.",
  );
  const reader: Reader = {
    rows: (statement, parameters) =>
      read(() => tracer.within("postgres read", () => database.reader.rows(statement, parameters))),
  };
  return {
    ...database,
    reader,
    createUnitOfWork(audit, onCommitted) {
      const unitOfWork = database.createUnitOfWork(audit, onCommitted);
      const observed: UnitOfWork = {
        commit: (draft, work) =>
          commit(() => tracer.within("postgres transaction", () => unitOfWork.commit(draft, work))),
        commitTogether: (draft, effect, input) =>
          commit(() => tracer.within("postgres transaction", () => unitOfWork.commitTogether(draft, effect, input))),
      };
      return observed;
    },
  };
}
