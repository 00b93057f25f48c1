// Runs h2spec against a port and tells which of its cases fail.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { findGoTool } from "../../../../tools/go-tools.ts";

export interface H2specReport {
  /** Cases that were run; those that h2spec skips are not counted. */
  readonly run: number;
  /** `section: requirement`, sorted. */
  readonly failures: readonly string[];
}

const testCase = /<testcase package="([^"]*)" classname="([^"]*)"[^>]*?(\/>|>([\s\S]*?)<\/testcase>)/g;

function readReport(xml: string): H2specReport {
  const cases = [...xml.matchAll(testCase)].map(([, section = "", requirement = "", , outcome = ""]) => ({
    name: `${section}: ${requirement}`,
    failed: /<(failure|error)/.test(outcome),
    skipped: outcome.includes("<skipped"),
  }));
  return {
    run: cases.filter(({ skipped }) => !skipped).length,
    failures: cases.flatMap(({ name, failed }) => (failed ? [name] : [])).sort(),
  };
}

/** `path` is asked for where the suite needs an answer; `words` are more of h2spec's own: `--tls`, sections to run. */
function runH2spec(port: number, path: string, words: readonly string[] = []): Promise<H2specReport> {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-h2spec-"));
  const report = join(directory, "report.xml");
  const common = ["-h", "127.0.0.1", "-p", String(port), "-P", path, "-o", "1", "--junit-report", report];
  return new Promise((resolve, reject) => {
    execFile(findGoTool("h2spec"), [...common, ...words], { maxBuffer: 16 * 1024 * 1024 }, (error, stdout) => {
      try {
        resolve(readReport(readFileSync(report, "utf8")));
      } catch {
        reject(new Error(`h2spec left no report: ${stdout}`, { cause: error }));
      } finally {
        rmSync(directory, { recursive: true });
      }
    });
  });
}

export interface Endpoint {
  readonly port: number;
  readonly path: string;
  readonly tls?: boolean;
}

export interface Comparison {
  readonly ours: H2specReport;
  readonly reference: H2specReport;
  /** Cases that fail on ours every time, and on the reference never. */
  readonly worse: readonly string[];
}

const rounds = 4;

/**
 * Some cases race with the server's answer and come out differently from run to run, on the reference too: whatever
 * differs is run again on both.
 */
export async function compare(ours: Endpoint, reference: Endpoint): Promise<Comparison> {
  const run = ({ port, path, tls = false }: Endpoint, sections: readonly string[] = []) =>
    runH2spec(port, path, [...(tls ? ["--tls", "--insecure"] : []), ...sections]);
  const [first, known] = await Promise.all([run(ours), run(reference)]);
  let worse = first.failures.filter((name) => !known.failures.includes(name));
  for (let round = 1; round < rounds && worse.length > 0; round++) {
    const sections = [...new Set(worse.map((name) => name.slice(0, name.indexOf(":"))))];
    const [again, better] = await Promise.all([run(ours, sections), run(reference, sections)]);
    worse = worse.filter((name) => again.failures.includes(name) && !better.failures.includes(name));
  }
  return { ours: first, reference: known, worse };
}
