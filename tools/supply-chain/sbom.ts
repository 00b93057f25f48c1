// The bill of materials: npm writes it in CycloneDX, and what it says is held against the lock file before it is kept.
import { fromRegistry, type Lock, nameOf } from "./lock.ts";

interface Component {
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly "bom-ref": string;
  readonly group?: string;
  readonly hashes?: readonly unknown[];
  readonly externalReferences?: readonly { readonly type: string }[];
}

export interface Bill {
  readonly bomFormat: string;
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string }[];
}

function shippedIn(lock: Lock) {
  return fromRegistry(lock).filter(([, { dev }]) => dev !== true);
}

function purlOf(path: string, version: string | undefined): string {
  return `pkg:npm/${nameOf(path)}@${version}`;
}

/**
 * What is shipped: npm's own `--omit dev` also leaves out what development happens to need as well. The address of a package is that of whoever built this; its name, version and hash are what identifies it.
 */
export function shippedBill(bill: Bill, lock: Lock): Bill {
  const shipped = new Set(shippedIn(lock).map(([path, { version }]) => purlOf(path, version)));
  const kept = bill.components.filter((one) => shipped.has(decodeURIComponent(one.purl)));
  const components = kept.map((component) => ({
    ...component,
    externalReferences: (component.externalReferences ?? []).filter(({ type }) => type !== "distribution"),
  }));
  const refs = new Set(kept.map((one) => one["bom-ref"]));
  return { ...bill, components, dependencies: bill.dependencies.filter(({ ref }) => refs.has(ref)) };
}

/** What is shipped and installed here, but is not in the bill, or without its hash. */
export function billFaults(bill: Bill, lock: Lock, isInstalled: (path: string) => boolean): readonly string[] {
  if (bill.bomFormat !== "CycloneDX") return ["the bill of materials is not in CycloneDX"];
  const listed = new Map(bill.components.map((one) => [decodeURIComponent(one.purl), one]));
  return shippedIn(lock)
    .filter(([path]) => isInstalled(path))
    .flatMap(([path, { version }]) => {
      const component = listed.get(purlOf(path, version));
      if (component === undefined) return [`${nameOf(path)}@${version} is not in the bill of materials`];
      return (component.hashes ?? []).length > 0 ? [] : [`${nameOf(path)}@${version} has no hash in the bill`];
    });
}
