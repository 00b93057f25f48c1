// The closing line of .ci/run: `N passed, N failed`, from vitest's JSON report and the exit codes of the tests and of the
// other steps. A file that did not even load counts as one failure; so does a report that is missing, an error outside of
// any test, and each step that failed. Ends with 1 when anything failed.
import { existsSync, readFileSync } from "node:fs";

interface Report {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly testResults: readonly { readonly status: string; readonly assertionResults: readonly unknown[] }[];
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
}

function read(path: string): Counts {
  if (!existsSync(path)) return { passed: 0, failed: 1 };
  const report: Report = JSON.parse(readFileSync(path, "utf8"));
  const unloaded = report.testResults.filter(
    (file) => file.status === "failed" && file.assertionResults.length === 0,
  ).length;
  return { passed: report.numPassedTests, failed: report.numFailedTests + unloaded };
}

const [path = "", tests = "0", ...steps] = process.argv.slice(2);
const counted = read(path);
const outside = tests !== "0" && counted.failed === 0 ? 1 : 0;
const failed = counted.failed + outside + steps.filter((code) => code !== "0").length;
console.log(`${counted.passed} passed, ${failed} failed`);
process.exitCode = failed === 0 ? 0 : 1;
