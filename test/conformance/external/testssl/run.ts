// Runs testssl.sh against a port and tells what it found.
import { execFile } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

export interface Finding {
  readonly id: string;
  /** OK, INFO, LOW, MEDIUM, HIGH, CRITICAL; WARN = could not be tested. */
  readonly severity: string;
  readonly finding: string;
}

// Protocols, kinds of ciphers, forward secrecy, vulnerabilities; certificates have tests of their own.
const sections = ["-p", "-s", "-f", "-U"];

/** `authority` = the file of who vouches for the server. */
export function runTestssl(address: string, authority: string): Promise<readonly Finding[]> {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-testssl-"));
  const report = join(directory, "report.json");
  const common = ["--quiet", "--color", "0", "--warnings", "off", "--ip", "one", "--fast", "--add-ca", authority];
  return new Promise((resolve, reject) => {
    execFile(
      "testssl",
      [...common, "--jsonfile", report, ...sections, address],
      { cwd: directory },
      (error, stdout) => {
        try {
          resolve(JSON.parse(readFileSync(report, "utf8")) as Finding[]);
        } catch {
          reject(
            new Error(`testssl is needed (apt-get install testssl.sh) and left no report: ${stdout}`, { cause: error }),
          );
        } finally {
          rmSync(directory, { recursive: true });
        }
      },
    );
  });
}
