// The reviewed list of clusters whose service account tokens are believed: one JSON object a line. Who can write it can be any
// workload, so it is a file of the operator's and nothing that a call can change.
import { StartRefused } from "../kernel/start-refused.ts";
import { type NamedFile, readNamedFile, refused } from "../tls/files.ts";

/** Where a cluster's public keys are. */
export type KeyPlace =
  | { readonly kind: "file"; readonly path: string }
  | {
      readonly kind: "url";
      readonly url: URL;
      readonly caFile: string | undefined;
      /** Gatehouse's own token for the cluster, read at each use because it turns over. */
      readonly tokenFile: string | undefined;
    };

export interface IssuerEntry {
  /** `iss` of the cluster's tokens, compared as an exact string. */
  readonly issuer: string;
  /** What `aud` must hold. */
  readonly audience: string;
  readonly keys: KeyPlace;
}

const members = new Set(["issuer", "audience", "jwks_file", "jwks_url", "ca_file", "token_file"]);
const longest = 512;

type Line = { readonly [name: string]: string };

function parseLine(text: string): Line | undefined {
  try {
    const value: unknown = JSON.parse(text);
    if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
    const sound = Object.entries(value).every(
      ([name, held]) => members.has(name) && typeof held === "string" && held !== "" && held.length <= longest,
    );
    return sound ? (value as Line) : undefined;
  } catch {
    return undefined;
  }
}

/** The keys decide who is believed, so they come over a verified connection and over no other. */
function urlOf(text: string): URL | undefined {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  return url?.protocol === "https:" && url.username === "" && url.password === "" && url.hash === "" ? url : undefined;
}

function placeOf({ jwks_file: path, jwks_url: text, ca_file: caFile, token_file: tokenFile }: Line) {
  if ((path === undefined) === (text === undefined)) return undefined;
  if (path !== undefined) {
    return caFile === undefined && tokenFile === undefined ? ({ kind: "file", path } as const) : undefined;
  }
  const url = urlOf(text ?? "");
  return url === undefined ? undefined : ({ kind: "url", url, caFile, tokenFile } as const);
}

function entryOf(text: string, defaultAudience: string): IssuerEntry | undefined {
  const line = parseLine(text);
  const keys = line === undefined ? undefined : placeOf(line);
  if (line?.issuer === undefined || keys === undefined) return undefined;
  return { issuer: line.issuer, audience: line.audience ?? defaultAudience, keys };
}

/** Throws StartRefused, which names the line and never its content. Empty lines and lines that begin with `#` say nothing. */
export async function readIssuers(file: NamedFile, defaultAudience: string): Promise<readonly IssuerEntry[]> {
  const text = (await readNamedFile(file)).toString("utf8");
  const entries = new Map<string, IssuerEntry>();
  for (const [index, line] of text.split("\n").entries()) {
    const words = line.trim();
    if (words === "" || words.startsWith("#")) continue;
    const entry = entryOf(words, defaultAudience);
    if (entry === undefined) {
      const expected = "expected issuer, jwks_file or an https jwks_url, and audience, ca_file, token_file or none";
      throw refused(file, `is not right in line ${index + 1}: ${expected}`);
    }
    if (entries.has(entry.issuer)) throw refused(file, `names in line ${index + 1} the issuer of an earlier line`);
    entries.set(entry.issuer, entry);
  }
  if (entries.size === 0) throw new StartRefused(`${file.path} of ${file.setting} names no issuer`);
  return [...entries.values()];
}
