// The reviewed list of who calls with a certificate alone: one JSON object a line. A line that is not understood refuses
// the whole file, since a binding that is silently left out locks a service out, and one that is misread lets it in.
import { parseId } from "../kernel/ids.ts";
import { type NamedFile, readNamedFile, refused } from "./files.ts";
import { parseSpiffeId } from "./spiffe.ts";

export interface WorkloadBinding {
  /** Canonical UUID, without prefix. */
  readonly principalId: string;
  /** Permission names; `*` narrows nothing. */
  readonly scopes: ReadonlySet<string>;
}

export interface WorkloadBindings {
  readonly bySpiffeId: ReadonlyMap<string, WorkloadBinding>;
  /** Names in lower case. */
  readonly byDnsName: ReadonlyMap<string, WorkloadBinding>;
}

export const noBindings: WorkloadBindings = { bySpiffeId: new Map(), byDnsName: new Map() };

const members = new Set(["spiffe_id", "dns_name", "principal_id", "scopes"]);
const scope = /^(\*|[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)*)$/;
const label = "(?!-)[a-z0-9-]{1,63}(?<!-)";
// No wildcard: it would bind whoever is given a certificate below a name.
const dnsName = new RegExp(`^(?=.{1,253}$)${label}(\\.${label})*$`);

interface Line {
  readonly spiffe_id?: unknown;
  readonly dns_name?: unknown;
  readonly principal_id?: unknown;
  readonly scopes?: unknown;
}

function parseLine(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    const plain = typeof value === "object" && value !== null && !Array.isArray(value);
    return plain && Object.keys(value).every((key) => members.has(key)) ? value : undefined;
  } catch {
    return undefined;
  }
}

function scopesOf(given: unknown): ReadonlySet<string> | undefined {
  if (given === undefined) return new Set(["*"]);
  if (!Array.isArray(given) || given.length === 0) return undefined;
  return given.every((name) => typeof name === "string" && scope.test(name)) ? new Set(given as string[]) : undefined;
}

type Named = { readonly map: "bySpiffeId" | "byDnsName"; readonly name: string };

function nameOf({ spiffe_id: id, dns_name: dns }: Line): Named | undefined {
  if ((id === undefined) === (dns === undefined)) return undefined;
  if (typeof id === "string") return parseSpiffeId(id)?.path ? { map: "bySpiffeId", name: id } : undefined;
  return typeof dns === "string" && dnsName.test(dns) ? { map: "byDnsName", name: dns } : undefined;
}

/** Throws StartRefused that names the line and never its content. */
function addLine(
  file: NamedFile,
  text: string,
  number: number,
  into: Record<Named["map"], Map<string, WorkloadBinding>>,
): void {
  const line = parseLine(text);
  const named = line && nameOf(line);
  const principalId = typeof line?.principal_id === "string" ? parseId("principal", line.principal_id) : undefined;
  const scopes = scopesOf(line?.scopes);
  if (named === undefined || principalId === undefined || scopes === undefined)
    throw refused(
      file,
      `is not right in line ${number}: expected spiffe_id or dns_name, principal_id, and scopes or none`,
    );
  if (into[named.map].has(named.name)) throw refused(file, `binds in line ${number} what an earlier line binds`);
  into[named.map].set(named.name, { principalId, scopes });
}

/** Throws StartRefused. Empty lines and lines that begin with `#` say nothing. */
export async function readWorkloads(file: NamedFile): Promise<WorkloadBindings> {
  const text = (await readNamedFile(file)).toString("utf8");
  const bindings = { bySpiffeId: new Map<string, WorkloadBinding>(), byDnsName: new Map<string, WorkloadBinding>() };
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.trim();
    if (words !== "" && !words.startsWith("#")) addLine(file, words, index + 1, bindings);
  }
  return bindings;
}
