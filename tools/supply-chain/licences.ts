// Licences of what is shipped: only those that let anyone use Gatehouse for anything, named in its own manifest.
import { fromRegistry, type Lock, nameOf } from "./lock.ts";

const allowed: ReadonlySet<string> = new Set([
  "0BSD",
  "Apache-2.0",
  "BSD-2-Clause",
  "BSD-3-Clause",
  "BlueOak-1.0.0",
  "ISC",
  "MIT",
]);

/** SPDX expressions as far as they occur: names joined by AND or by OR, in one pair of brackets at most. */
export function isAllowed(expression: string): boolean {
  const inner = /^\((.*)\)$/.exec(expression)?.[1] ?? expression;
  if (/[()]/.test(inner)) return false;
  return inner.split(" OR ").some((choice) => choice.split(" AND ").every((name) => allowed.has(name)));
}

export interface InstalledManifest {
  readonly license?: unknown;
}

/** `installed` answers what a package says of itself on disk; undefined when this platform does not install it. */
export function licenceFaults(
  lock: Lock,
  installed: (path: string) => InstalledManifest | undefined,
): readonly string[] {
  return fromRegistry(lock)
    .filter(([, { dev }]) => dev !== true)
    .flatMap(([path, { license }]) => {
      const manifest = installed(path);
      const said = manifest === undefined ? license : manifest.license;
      if (typeof said !== "string") return [`${nameOf(path)} names no licence`];
      if (license !== undefined && license !== said)
        return [`${nameOf(path)} has another licence than the lock file says`];
      return isAllowed(said) ? [] : [`${nameOf(path)} has the licence ${said}`];
    });
}
