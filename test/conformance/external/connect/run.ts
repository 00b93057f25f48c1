// Runs the suite against one kind of server and reads what it says of each case.
import { execFile } from "node:child_process";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { findGoTool } from "../../../../tools/go-tools.ts";

export interface SuiteReport {
  readonly total: number;
  readonly passed: number;
  /** What is wrong with each case that failed. */
  readonly failures: ReadonlyMap<string, readonly string[]>;
  readonly output: string;
}

const server = join(import.meta.dirname, "server.ts");

/** What a case complains of, one sentence each; the suite puts several on one line, or on lines of their own. */
function complaintsOf(line: string): string[] {
  return line
    .split(/\n|; (?=actual |expecting |trailers |response |server )/)
    .map((part) => part.replace(/^; /, "").trim())
    .filter((part) => part !== "");
}

function readReport(output: string): SuiteReport {
  const failures = new Map<string, string[]>();
  let name: string | undefined;
  for (const line of output.split("\n")) {
    if (line.startsWith("FAILED: ")) {
      name = line.slice("FAILED: ".length).replace(/:$/, "");
      failures.set(name, []);
    } else if (!line.startsWith("\t")) name = undefined;
    else if (name !== undefined) failures.get(name)?.push(...complaintsOf(line));
  }
  const [, passed, failed] = /^(\d+) passed, (\d+) failed/m.exec(output) ?? [];
  return { total: Number(passed) + Number(failed), passed: Number(passed), failures, output };
}

export interface SuiteOptions {
  readonly directory: string;
  /** As the suite's YAML has them. */
  readonly features: string;
  /** Those that follow the name of our server's program. */
  readonly words: readonly string[];
}

function run({ words }: SuiteOptions, configuration: string, more: readonly string[]): Promise<SuiteReport> {
  const suite = ["--mode", "server", "--conf", configuration, ...more, "--"];
  return new Promise((resolve) => {
    execFile(
      findGoTool("connectconformance"),
      [...suite, process.execPath, server, ...words],
      { maxBuffer: 64 * 1024 * 1024 },
      (_failed, stdout, stderr) => resolve(readReport(`${stdout}\n${stderr}`)),
    );
  });
}

/** Calls that do nothing and have two seconds for it: only a machine that is busy with something else makes them late. */
const hasTwoSeconds = /^Deadline Propagation\//;
/** The suite gives our program ten seconds to start; the cases that want it have not been run. */
const notStarted = "timed out waiting for result from server";

function isLate([name, said]: readonly [string, readonly string[]]): boolean {
  return said.some(
    (complaint) =>
      complaint.includes(notStarted) || (hasTwoSeconds.test(name) && complaint.includes("deadline_exceeded")),
  );
}

export async function runSuite(options: SuiteOptions): Promise<SuiteReport> {
  const configuration = join(options.directory, `${options.words[0]}.yaml`);
  writeFileSync(configuration, options.features);
  const report = await run(options, configuration, ["--max-servers", "2", "--parallel", "16"]);
  const late = [...report.failures].filter(isLate);
  if (late.length === 0) return report;
  console.warn(`late on a busy machine, asked again more slowly: ${late.map(([name]) => name).join(", ")}`);
  const again = await run(options, configuration, [
    "--max-servers",
    "1",
    "--parallel",
    "2",
    ...late.flatMap(([name]) => ["--run", name]),
  ]);
  const failures = new Map(report.failures);
  for (const [name] of late) failures.delete(name);
  for (const [name, said] of again.failures) failures.set(name, said);
  return { ...report, passed: report.passed + again.passed, failures };
}
