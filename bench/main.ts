// `npm run bench`: every row of the table against the embedded default, ours and the reference in the same run.
//   --only NAME   one row      --json FILE   the table as JSON      --quick   short rounds, to try the bench itself
import { writeFileSync } from "node:fs";
import { availableParallelism, cpus, release, totalmem } from "node:os";
import { parseArgs } from "node:util";
import type { BenchRow, Measured, Pace } from "./row.ts";
import { abuseRow } from "./rows/abuse.ts";
import { durableRows } from "./rows/durable.ts";
import { introspectRows } from "./rows/introspect.ts";
import { issueRow } from "./rows/issue.ts";
import { loginRows } from "./rows/login.ts";
import { loadedMemoryRow, restartRows } from "./rows/process.ts";
import { vaultRows } from "./rows/vault.ts";
import { startSystem } from "./system.ts";

const rows: readonly BenchRow[] = [
  ...introspectRows,
  ...loginRows,
  abuseRow,
  ...durableRows,
  issueRow,
  ...vaultRows,
  loadedMemoryRow,
  ...restartRows,
];
// Short and many: a neighbour on the same machine slows one side of a round by a third and is gone in the next, and the median of five
// such ratios was 0.65 to 0.90 for the same code.
const full: Pace = { warmMs: 5000, roundMs: 2000, rounds: 11 };
const quick: Pace = { warmMs: 500, roundMs: 700, rounds: 3 };

function reached(row: BenchRow, { ratio }: Measured): boolean {
  return row.better === "higher" ? ratio >= row.target : ratio <= row.target;
}

function number(value: number): string {
  return value >= 100 ? Math.round(value).toLocaleString("en") : value.toFixed(1);
}

function line(row: BenchRow, measured: Measured): string {
  const sign = row.better === "higher" ? ">=" : "<=";
  const cells = [
    row.name.padEnd(16),
    `${number(measured.ours)} ${row.unit}`.padStart(18),
    number(measured.reference).padStart(10),
    measured.ratio.toFixed(2).padStart(6),
    `${sign} ${row.target.toFixed(2)}`.padStart(8),
    reached(row, measured) ? "reached" : "MISSED ",
    measured.p50Ms === undefined
      ? ""
      : `p50 ${measured.p50Ms.toFixed(2)} ms, p99 ${(measured.p99Ms ?? 0).toFixed(2)} ms`,
  ];
  return cells.join("  ").trimEnd();
}

const { values } = parseArgs({
  options: { only: { type: "string", multiple: true }, json: { type: "string" }, quick: { type: "boolean" } },
});
const chosen = values.only === undefined ? rows : rows.filter((row) => values.only?.includes(row.name));
if (chosen.length === 0) throw new Error(`no such row; there are ${rows.map((row) => row.name).join(", ")}`);

const machine = {
  cpu: cpus()[0]?.model ?? "",
  cores: availableParallelism(),
  memory_bytes: totalmem(),
  kernel: release(),
  node: process.version,
};
console.log(`${machine.cores} x ${machine.cpu}, Node ${machine.node}; ours, reference, ratio, target`);
const results: object[] = [];
const system = await startSystem();
try {
  for (const row of chosen) {
    const measured = await row.run(system, values.quick ? quick : full);
    console.log(line(row, measured));
    const { name, unit, target } = row;
    results.push({
      name,
      ours: measured.ours,
      reference: measured.reference,
      unit,
      ratio: measured.ratio,
      target,
      p50_ms: measured.p50Ms,
      p99_ms: measured.p99Ms,
    });
  }
} finally {
  await system.close();
}
if (values.json !== undefined) writeFileSync(values.json, `${JSON.stringify({ machine, rows: results }, null, 2)}\n`);
