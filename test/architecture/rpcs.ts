// Where each RPC of the contracts has its file and its unit test: `gatehouse.token.v1.TokenService/Introspect` is
// src/token/token/introspect.ts and test/unit/token/token/introspect.test.ts.
import { existsSync } from "node:fs";
import { pathToFileURL } from "node:url";
import type { DescService } from "@bufbuild/protobuf";
import { listFiles, root } from "../../tools/source/files.ts";
import { slices } from "./imports.ts";

export interface RpcPlace {
  readonly rpc: string;
  readonly source: string;
  readonly test: string;
}

function isService(value: unknown): value is DescService {
  return typeof value === "object" && value !== null && "kind" in value && value.kind === "service";
}

/** `ListSessions` -> `list-sessions`; a run of capitals is one word, so `GetJwks` and `GetJWKS` agree. */
export function kebab(name: string): string {
  return name
    .replace(/([a-z0-9])([A-Z])/g, "$1-$2")
    .replace(/([A-Z])([A-Z][a-z])/g, "$1-$2")
    .toLowerCase();
}

/** Undefined for services that are not ours (health, reflection). */
export function placesOf(service: DescService): readonly RpcPlace[] | undefined {
  const [, area, name] = /^gatehouse\.([a-z]+)\.v1\.([A-Za-z]+)Service$/.exec(service.typeName) ?? [];
  if (area === undefined || name === undefined || !slices.some((slice) => slice === area)) return undefined;
  return service.methods.map((method) => {
    const path = `${area}/${kebab(name)}/${kebab(method.name)}`;
    return { rpc: `${service.typeName}/${method.name}`, source: `src/${path}.ts`, test: `test/unit/${path}.test.ts` };
  });
}

export async function readServices(): Promise<readonly DescService[]> {
  const files = listFiles("gen/ts/gatehouse", "_pb.js");
  const modules: readonly unknown[] = await Promise.all(
    files.map((path) => import(pathToFileURL(`${root}/${path}`).href)),
  );
  return modules.flatMap((module) => Object.values(module as Readonly<Record<string, unknown>>).filter(isService));
}

export function missingFiles(
  places: readonly RpcPlace[],
  exists = (path: string) => existsSync(`${root}/${path}`),
): readonly string[] {
  return places.flatMap(({ rpc, source, test }) =>
    [source, test].filter((path) => !exists(path)).map((path) => `${rpc} has no ${path}`),
  );
}
