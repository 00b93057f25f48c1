// The directions in which the house's rooms may look, as a table. server.ts alone sees everything.
import { resolveImport, type SourceFile } from "./source.ts";

export const slices = ["auth", "token", "secrets", "audit"] as const;

interface Room {
  readonly name: string;
  /** The first room whose pattern fits a path below src is that file's room. */
  readonly files: RegExp;
  /** Paths below src that files of this room may import, beside their own room. `everything` is the composition root's. */
  readonly sees: readonly RegExp[] | "everything";
  /** Packages, where the room is restricted; undefined = any that package.json lists, `pg` apart. */
  readonly packages?: readonly RegExp[];
}

const builtin = /^node:/;
const kernel = /^kernel\//;
const keyPorts = /^keys\/ports\.ts$/;

function slice(name: string): Room[] {
  return [
    {
      name: `${name}/domain`,
      files: new RegExp(`^${name}/domain/`),
      sees: [kernel],
      packages: [/^node:(crypto|util|net|zlib)$/, /^@bufbuild\/protobuf/, /^@zxcvbn-ts\//],
    },
    { name, files: new RegExp(`^${name}/`), sees: [kernel, keyPorts] },
  ];
}

const rooms: readonly Room[] = [
  {
    name: "kernel",
    files: kernel,
    sees: [],
    packages: [
      /^node:(crypto|util|net|buffer|async_hooks|worker_threads)$/,
      /^@bufbuild\/protobuf/,
      /^@gatehouse\/proto\//,
    ],
  },
  ...slices.flatMap(slice),
  { name: "rpc", files: /^rpc\//, sees: [kernel, /^tls\/ports\.ts$/] },
  { name: "postgres", files: /^postgres\//, sees: [kernel, /^tls\/server-trust\.ts$/] },
  {
    name: "redis",
    files: /^redis\//,
    sees: [kernel, /^rpc\/limits\/(ports|cells)\.ts$/],
    packages: [builtin, /^redis$/],
  },
  {
    name: "vault",
    files: /^vault\//,
    sees: [kernel, /^tls\/(server-trust|files)\.ts$/],
    packages: [builtin, /^undici$/],
  },
  { name: "keys", files: /^keys\//, sees: [kernel, /^vault\/(ports|sentences)\.ts$/] },
  { name: "config", files: /^config\//, sees: [kernel], packages: [builtin] },
  { name: "tls", files: /^tls\//, sees: [kernel] },
  { name: "kubernetes", files: /^kubernetes\//, sees: [kernel, /^tls\/files\.ts$/], packages: [builtin] },
  { name: "jobs", files: /^jobs\//, sees: [kernel] },
  // OpenTelemetry and prom-client are nobody else's.
  { name: "observability", files: /^observability\//, sees: [kernel] },
  { name: "command line", files: /^(cli|keys-command|stop-signal)\.ts$/, sees: [kernel], packages: [/^commander$/] },
  { name: "log", files: /^(logging|log-fields)\.ts$/, sees: [kernel], packages: [/^pino$/, /^@bufbuild\/protobuf$/] },
  { name: "main", files: /^main\.ts$/, sees: [kernel, /^config\//, /^[^/]+\.ts$/] },
  {
    name: "root",
    files:
      /^(server|doors|transport-security|gate|limiting|slices|foundation|settings|operator|keys-move|keys-rotate|policy-page|policy-explain|access|contracts|served-services|standard-services|reload|printed-messages|telemetry|vault-link|workload-issuers|decode-token|health-watch)\.ts$/,
    sees: "everything",
  },
];

function roomOf(path: string): Room | undefined {
  return rooms.find((room) => room.files.test(path));
}

function mayImportFile(room: Room, target: string): boolean {
  if (room.sees === "everything") return target !== "main.ts";
  const sameSlice = slices.some((name) => room.name.startsWith(name) && target.startsWith(`${name}/`));
  const ownDomain = !room.name.endsWith("/domain") || target.includes("/domain/");
  return (sameSlice && ownDomain) || roomOf(target) === room || room.sees.some((pattern) => pattern.test(target));
}

function mayImportPackage(room: Room, specifier: string): boolean {
  if (specifier === "pg" || specifier.startsWith("pg/") || specifier.startsWith("pg-")) return room.name === "postgres";
  if (specifier === "redis" || specifier.startsWith("@redis/")) return room.name === "redis";
  if (specifier === "undici") return room.name === "vault";
  if (/^@grpc\//.test(specifier) || /^@connectrpc\//.test(specifier)) return ["rpc", "root"].includes(room.name);
  return room.packages === undefined || room.packages.some((pattern) => pattern.test(specifier));
}

/** What is wrong with the imports of one file below src, as sentences. */
export function importFaults(file: SourceFile): readonly string[] {
  const path = file.path.replace(/^src\//, "");
  const room = roomOf(path);
  if (room === undefined) return [`${path} is in no room of the house: see test/architecture/imports.ts`];
  return file.imports.flatMap(({ specifier }) => {
    if (specifier === "<computed>") return [`${path} imports what only run time knows`];
    const target = resolveImport(file.path, specifier);
    if (target === undefined)
      return mayImportPackage(room, specifier) ? [] : [`${path} (${room.name}) may not import ${specifier}`];
    if (target === "package.json") return path === "main.ts" ? [] : [`${path} reads package.json`];
    if (!target.startsWith("src/")) return [`${path} reaches outside src: ${specifier}`];
    const below = target.replace(/^src\//, "");
    return mayImportFile(room, below) ? [] : [`${path} (${room.name}) may not import ${below}`];
  });
}

/** Cycles of imports that exist at run time, each as the list of its files. */
export function importCycles(files: readonly SourceFile[]): readonly string[] {
  const edges = new Map(files.map((file) => [file.path, runtimeTargets(file)]));
  const done = new Set<string>();
  const found: string[] = [];
  const visit = (path: string, trail: readonly string[]): void => {
    if (trail.includes(path)) found.push([...trail.slice(trail.indexOf(path)), path].join(" -> "));
    if (done.has(path) || trail.includes(path)) return;
    for (const target of edges.get(path) ?? []) visit(target, [...trail, path]);
    done.add(path);
  };
  for (const path of edges.keys()) visit(path, []);
  return found;
}

function runtimeTargets(file: SourceFile): readonly string[] {
  return file.imports
    .filter(({ typeOnly }) => !typeOnly)
    .flatMap(({ specifier }) => resolveImport(file.path, specifier) ?? []);
}
