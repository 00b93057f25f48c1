// What Gatehouse is built from: `check` (lock file and licences), `sbom FILE`, `advisories`. Exit codes: 0 right, 1 wrong,
// 3 nobody answered: the registry has no advisories to ask for. docs/decisions/0033-supply-chain.md says what follows from that.
import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { root } from "./source/files.ts";
import { type Accepted, judgeAdvisories } from "./supply-chain/advisories.ts";
import { licenceFaults } from "./supply-chain/licences.ts";
import { type Lock, lockFaults, type Manifest } from "./supply-chain/lock.ts";
import { type Bill, billFaults, shippedBill } from "./supply-chain/sbom.ts";

const read = <T>(path: string): T => JSON.parse(readFileSync(join(root, path), "utf8"));
const lock = read<Lock>("package-lock.json");
const manifestOf = (path: string) => `${path}/package.json`;
const isInstalled = (path: string) => existsSync(join(root, manifestOf(path)));

/** npm answers with JSON even when it fails. */
function npm(...words: readonly string[]): unknown {
  const options = { cwd: root, encoding: "utf8", maxBuffer: 64 * 1024 * 1024, timeout: 120_000 } as const;
  const quiet = { ...options, stdio: ["ignore", "pipe", "ignore"] as ["ignore", "pipe", "ignore"] };
  try {
    return JSON.parse(execFileSync("npm", [...words], quiet));
  } catch (error) {
    const { stdout } = error as { readonly stdout?: string };
    return stdout ? JSON.parse(stdout) : undefined;
  }
}

function say(what: string, faults: readonly string[]): number {
  for (const fault of faults) console.error(`${what}: ${fault}`);
  if (faults.length === 0) console.log(`${what}: right`);
  return faults.length === 0 ? 0 : 1;
}

function check(): number {
  const installed = (path: string) => (isInstalled(path) ? read<{ license?: unknown }>(manifestOf(path)) : undefined);
  const codes = [
    say("lock file", lockFaults(lock, read<Manifest>("package.json"))),
    say("licences", licenceFaults(lock, installed)),
  ];
  return Math.max(...codes);
}

function sbom(path: string): number {
  const bill = shippedBill(npm("sbom", "--sbom-format", "cyclonedx") as Bill, lock);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, `${JSON.stringify(bill, null, 2)}\n`);
  return say(`bill of materials in ${path}`, billFaults(bill, lock, isInstalled));
}

function advisories(): number {
  const accepted = read<readonly Accepted[]>("tools/supply-chain/accepted.json");
  const today = new Date().toISOString().slice(0, 10);
  const verdict = judgeAdvisories(npm("audit", "--json"), { lock, accepted, today });
  if (verdict.asked) return say("advisories", verdict.faults);
  console.error(
    "advisories: NOT CHECKED, the registry does not answer for them; nothing is known about this lock file",
  );
  return 3;
}

const [command = "check", path = "build/sbom.cdx.json"] = process.argv.slice(2);
const commands: Readonly<Record<string, () => number>> = { check, sbom: () => sbom(path), advisories };
process.exitCode = (Object.hasOwn(commands, command) ? commands[command] : undefined)?.() ?? 2;
