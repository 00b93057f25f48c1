// What the lock file must be: every package from the registry, bound to its bytes, and none of ours from there.

export interface Locked {
  readonly version?: string;
  readonly name?: string;
  readonly resolved?: string;
  readonly integrity?: string;
  readonly license?: string;
  readonly link?: boolean;
  readonly dev?: boolean;
  readonly optional?: boolean;
  readonly os?: readonly string[];
  readonly cpu?: readonly string[];
  readonly hasInstallScript?: boolean;
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly peerDependencies?: Readonly<Record<string, string>>;
}

export interface Lock {
  readonly lockfileVersion: number;
  readonly packages: Readonly<Record<string, Locked>>;
}

export interface Manifest {
  readonly allowScripts: Readonly<Record<string, boolean>>;
  readonly workspaces: readonly string[];
}

const installed = "node_modules/";

/** Older versions that a test tool keeps beside the newer ones, under names that only it uses. */
const knownAliases: ReadonlySet<string> = new Set(["string-width-cjs", "strip-ansi-cjs", "wrap-ansi-cjs"]);

export function nameOf(path: string): string {
  return path.slice(path.lastIndexOf(installed) + installed.length);
}

/** What npm installs from a registry; not the root, the workspaces and the links to them. */
export function fromRegistry({ packages }: Lock): readonly (readonly [string, Locked])[] {
  return Object.entries(packages).filter(([path, { link }]) => path.includes(installed) && link !== true);
}

/** Builds for other platforms that the registry did not show; docs/decisions/0004-install-scripts.md. */
function isForeignBuild({ dev, optional, os, cpu }: Locked): boolean {
  return dev === true && optional === true && os !== undefined && cpu !== undefined;
}

function originFaults(path: string, locked: Locked, manifest: Manifest): string[] {
  const name = nameOf(path);
  const { resolved, integrity, hasInstallScript } = locked;
  return [
    ...(resolved === undefined
      ? []
      : [`${name} names where it comes from; that is npm's setting, not the lock file's`]),
    ...(integrity === undefined && !isForeignBuild(locked) ? [`${name} is not bound to its bytes`] : []),
    ...(integrity !== undefined && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity) ? [`${name} is bound weakly`] : []),
    ...(locked.name !== undefined && locked.name !== name && !knownAliases.has(name)
      ? [`${name} is another package under that name`]
      : []),
    ...(hasInstallScript && !Object.hasOwn(manifest.allowScripts, name)
      ? [`${name} has an unknown install script`]
      : []),
    ...(/^(@gatehouse\/|gatehouse$)/.test(name) ? [`${name} is ours and would come from the registry`] : []),
  ];
}

/** A range that leads anywhere but to the registry: git, a URL, a file, another name. */
function leadsElsewhere(range: string): boolean {
  return /[:/]/.test(range.replace(/^workspace:/, ""));
}

function rangeFaults(path: string, locked: Locked): string[] {
  const lists = [locked.dependencies, locked.devDependencies, locked.optionalDependencies, locked.peerDependencies];
  return lists
    .flatMap((list) => Object.entries(list ?? {}))
    .filter(([name, range]) => leadsElsewhere(range) && !knownAliases.has(name))
    .map(([name]) => `${path === "" ? "the root" : nameOf(path)} takes ${name} from outside the registry`);
}

function workspaceFaults({ packages }: Lock, { workspaces }: Manifest): string[] {
  return Object.entries(packages)
    .filter(([path, { link }]) => path.includes(installed) && link === true)
    .filter(([, { resolved }]) => !workspaces.includes(resolved ?? ""))
    .map(([path]) => `${nameOf(path)} is a link to no workspace`);
}

export function lockFaults(lock: Lock, manifest: Manifest): readonly string[] {
  if (lock.lockfileVersion !== 3) return ["the lock file has another version than 3"];
  return [
    ...fromRegistry(lock).flatMap(([path, locked]) => originFaults(path, locked, manifest)),
    ...Object.entries(lock.packages).flatMap(([path, locked]) => rangeFaults(path, locked)),
    ...workspaceFaults(lock, manifest),
  ];
}
