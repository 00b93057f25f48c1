// What `npm audit` says about the lock file, held against what was looked at and accepted, each with its reason and an end.
import { fromRegistry, type Lock } from "./lock.ts";

export interface Accepted {
  /** Such as GHSA-xxxx-xxxx-xxxx. */
  readonly id: string;
  readonly reason: string;
  /** A date such as 2027-01-31: whoever accepted it looks again by then. */
  readonly until: string;
}

interface Advisory {
  readonly url?: string;
  readonly title?: string;
  readonly severity?: string;
}

interface Vulnerability {
  readonly name: string;
  readonly via: readonly (Advisory | string)[];
  readonly nodes: readonly string[];
}

export interface Verdict {
  /** False = nobody answered, so nothing is known; that is no pass. */
  readonly asked: boolean;
  readonly faults: readonly string[];
}

function vulnerabilitiesOf(report: unknown): readonly Vulnerability[] | undefined {
  if (typeof report !== "object" || report === null || !("vulnerabilities" in report)) return undefined;
  return Object.values(report.vulnerabilities as Record<string, Vulnerability>);
}

/** In what is built and tested with, a defect matters when it is grave; in what is shipped, always. */
function matters(severity: string | undefined, shipped: boolean): boolean {
  return shipped || severity === undefined || ["high", "critical"].includes(severity);
}

function faultOf(name: string, advisory: Advisory, accepted: readonly Accepted[], today: string): string | undefined {
  const id = advisory.url?.split("/").at(-1) ?? "an advisory without a name";
  const known = accepted.find((one) => one.id === id);
  if (known === undefined) return `${name}: ${id} (${advisory.severity}) ${advisory.title ?? ""}`.trimEnd();
  return known.until < today ? `${name}: ${id} was accepted until ${known.until}` : undefined;
}

export function judgeAdvisories(
  report: unknown,
  { lock, accepted, today }: { readonly lock: Lock; readonly accepted: readonly Accepted[]; readonly today: string },
): Verdict {
  const found = vulnerabilitiesOf(report);
  if (found === undefined) return { asked: false, faults: [] };
  const development = new Set(fromRegistry(lock).flatMap(([path, { dev }]) => (dev === true ? [path] : [])));
  const faults = found.flatMap(({ name, via, nodes }) => {
    const shipped = nodes.some((path) => !development.has(path));
    return via
      .filter((one) => typeof one === "object")
      .filter(({ severity }) => matters(severity, shipped))
      .flatMap((one) => faultOf(name, one, accepted, today) ?? []);
  });
  return { asked: true, faults: [...new Set(faults)] };
}
