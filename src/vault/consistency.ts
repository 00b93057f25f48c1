// X-Vault-Index, with which Vault Enterprise lets a caller read its own writes on any node: the newest one that was seen is
// sent back, and a node that is behind says 412 (docs of Vault, "Eventual consistency").

interface State {
  readonly cluster: string;
  readonly local: bigint;
  readonly replicated: bigint;
}

const longest = 1024;

/** Base64 of `v1:<cluster>:<local index>:<replicated index>:<hmac>`. Undefined for anything else, which is not sent back. */
function parse(text: string): State | undefined {
  if (text.length > longest || !/^[A-Za-z0-9+/]+={0,2}$/.test(text)) return undefined;
  const match = /^v1:([^:]+):(\d{1,20}):(\d{1,20}):[^:]+$/.exec(Buffer.from(text, "base64").toString("latin1"));
  if (match === null) return undefined;
  const [, cluster = "", local = "", replicated = ""] = match;
  return { cluster, local: BigInt(local), replicated: BigInt(replicated) };
}

/** The header to send from now on. Answers overtake each other, so an older one must not take the place of a newer. */
export function newerIndex(kept: string | undefined, seen: string | undefined): string | undefined {
  const next = seen === undefined ? undefined : parse(seen);
  if (next === undefined) return kept;
  const last = kept === undefined ? undefined : parse(kept);
  if (last === undefined || last.cluster !== next.cluster) return seen;
  return next.local >= last.local && next.replicated >= last.replicated ? seen : kept;
}
