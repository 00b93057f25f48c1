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

/** `features` as the suite's YAML has them; `words` follow the name of our server's program. */
export function runSuite(options: {
  readonly directory: string;
  readonly features: string;
  readonly words: readonly string[];
}): Promise<SuiteReport> {
  const configuration = join(options.directory, `${options.words[0]}.yaml`);
  writeFileSync(configuration, options.features);
  const words = ["--mode", "server", "--conf", configuration, "--parallel", "16", "--max-servers", "4", "--"];
  return new Promise((resolve) => {
    execFile(
      findGoTool("connectconformance"),
      [...words, process.execPath, server, ...options.words],
      { maxBuffer: 64 * 1024 * 1024 },
      (_failed, stdout, stderr) => resolve(readReport(`${stdout}\n${stderr}`)),
    );
  });
}
