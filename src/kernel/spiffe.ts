// SPIFFE ids, strictly as SPIFFE-ID section 2 has them: two spellings of one id would be two workloads, or one for two.

export interface SpiffeId {
  readonly trustDomain: string;
  /** With its leading slash; empty for the trust domain itself. */
  readonly path: string;
}

const longest = 2048;
const form = /^spiffe:\/\/([a-z0-9._-]{1,255})((?:\/[A-Za-z0-9._-]+)*)$/;

/** Undefined when `text` is none: no port, user, query, fragment, empty or dot segment, escape or trailing slash. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  const match = text.length > longest ? null : form.exec(text);
  if (match === null) return undefined;
  const [, trustDomain = "", path = ""] = match;
  if (path.split("/").some((segment) => segment === "." || segment === "..")) return undefined;
  return { trustDomain, path };
}
