// `gatehouse dev-certs`: an authority to throw away, a server certificate and a client certificate, for trying TLS and
// mTLS. The authority's key is not kept, so nobody can make more of them later.
import { lstat, mkdir, writeFile } from "node:fs/promises";
import { isIP } from "node:net";
import { join, resolve } from "node:path";
import { StartRefused } from "../kernel/start-refused.ts";
import { type Issued, issue, makeAuthority } from "./issuing.ts";

export interface DevCertsOptions {
  readonly directory: string;
  /** Names and addresses beside localhost, 127.0.0.1 and ::1. */
  readonly hosts: readonly string[];
  readonly now: Date;
}

const lifeMs = 90 * 86_400_000;
// A clock that is a little behind must not refuse them.
const leewayMs = 3_600_000;
const workload = "spiffe://dev.gatehouse/workload/try";
const hostName =
  /^(\*\.)?([a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)*$/;

function alternativeNames(hosts: readonly string[]) {
  return ["localhost", "127.0.0.1", "::1", ...hosts].map((host) => {
    if (isIP(host) !== 0) return { type: "ip", value: host } as const;
    if (host.length > 253 || !hostName.test(host)) throw new StartRefused("--host takes a host name or an IP address");
    return { type: "dns", value: host } as const;
  });
}

/** Before the first one is written: half of the files would be of no use beside the old ones. */
async function requireFree(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found !== undefined)
    throw new StartRefused(`${path} is there already: remove it, or name another directory with --out`);
}

async function write(directory: string, name: string, text: string, mode: number): Promise<void> {
  const path = join(directory, name);
  await writeFile(path, text, { mode, flag: "wx" }).catch((cause: NodeJS.ErrnoException) => {
    throw new StartRefused(`${path} cannot be written (${cause.code ?? "unknown"})`, { cause });
  });
}

async function makeDirectory(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true, mode: 0o700 }).catch((cause: NodeJS.ErrnoException) => {
    throw new StartRefused(`${directory} cannot be made (${cause.code ?? "unknown"})`, { cause });
  });
}

function told(directory: string, notAfter: Date): string {
  const at = (name: string) => join(directory, name);
  return `made in ${directory}, until ${notAfter.toISOString().slice(0, 10)}; for trying only: nobody vouches for them

the server:
  GATEHOUSE_TLS_CERT_FILE=${at("server.pem")}
  GATEHOUSE_TLS_KEY_FILE=${at("server.key")}
and, for clients that show a certificate:
  GATEHOUSE_TLS_CLIENT_AUTH=optional
  GATEHOUSE_TLS_CLIENT_CA_FILE=${at("ca.pem")}

a client:
  grpcurl -cacert ${at("ca.pem")} -cert ${at("client.pem")} -key ${at("client.key")} localhost:50051 list
  curl --cacert ${at("ca.pem")} https://localhost:8080/healthz
its SPIFFE id, for ServiceAccountService.CreateWorkloadBinding: ${workload}`;
}

/** Answers what to tell the operator. Throws StartRefused, and overwrites nothing. */
export async function makeDevCerts({ directory, hosts, now }: DevCertsOptions): Promise<string> {
  const place = resolve(directory);
  const names = alternativeNames(hosts);
  const validity = { notBefore: new Date(now.getTime() - leewayMs), notAfter: new Date(now.getTime() + lifeMs) };
  const authority = await makeAuthority("Gatehouse development only", validity);
  const server = await issue(authority, { ...validity, commonName: "gatehouse", names, uses: ["server"] });
  const client = await issue(authority, {
    ...validity,
    commonName: "workload",
    names: [{ type: "url", value: workload }],
    uses: ["client"],
  });
  await makeDirectory(place);
  const files: readonly (readonly [string, string, number])[] = [
    ["ca.pem", authority.certificate, 0o644],
    ...pair("server", server),
    ...pair("client", client),
  ];
  for (const [name] of files) await requireFree(join(place, name));
  for (const [name, text, mode] of files) await write(place, name, text, mode);
  return told(place, validity.notAfter);
}

function pair(name: string, { certificate, key }: Issued): readonly (readonly [string, string, number])[] {
  return [
    [`${name}.key`, key, 0o600],
    [`${name}.pem`, certificate, 0o644],
  ];
}
