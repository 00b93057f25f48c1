// The entry of an event: the exact bytes that evidence rests on. They never change once written, and the log built over
// them hashes them as they are, so a change of this form is a new schema version beside the old one.
import { hash } from "node:crypto";

export const schemaVersion = 1;

/** C2SP tlog-tiles: an entry bundle counts in 16 bits. */
const longestEntry = 65_535;

export type EntryActor = {
  /** `prn_<uuid>` of a principal, a name for the system itself, absent for an anonymous caller. */
  readonly id: string | undefined;
  readonly kind: string;
  readonly session_id: string | undefined;
  readonly client_id: string | undefined;
};

export type EntryResource = {
  readonly type: string;
  readonly uid: string;
  readonly version: number | undefined;
};

// Type aliases, not interfaces: only those are known to have no other members.

/** Absent members are left out of the bytes; an empty text is written, so that the two differ. */
export type Entry = {
  readonly schema_version: typeof schemaVersion;
  /** Which installation speaks, so that no entry passes for one of another. */
  readonly installation: string;
  readonly event_id: string;
  /** RFC 3339, UTC, milliseconds. */
  readonly occurred_at: string;
  readonly event: string;
  readonly category: string;
  readonly outcome: string;
  readonly grpc_code: number;
  readonly reason: string | undefined;
  readonly actor: EntryActor;
  readonly method: string | undefined;
  readonly request_id: string | undefined;
  readonly resources: readonly EntryResource[];
  /** How many further resources did not fit; absent when all did. */
  readonly resources_omitted: number | undefined;
  /** A part that has nothing in it has no commitment. */
  readonly commitments: { readonly personal: string | undefined; readonly details: string | undefined };
};

// In RFC 8785's order of members, so that JSON.stringify, at a fifth of the time, writes what canonicalJson would; a test
// holds the two together. Drafts bring bounded, well-formed text and integers only.
function inOrder(entry: Entry) {
  const { actor, commitments } = entry;
  return {
    actor: { client_id: actor.client_id, id: actor.id, kind: actor.kind, session_id: actor.session_id },
    category: entry.category,
    commitments: { details: commitments.details, personal: commitments.personal },
    event: entry.event,
    event_id: entry.event_id,
    grpc_code: entry.grpc_code,
    installation: entry.installation,
    method: entry.method,
    occurred_at: entry.occurred_at,
    outcome: entry.outcome,
    reason: entry.reason,
    request_id: entry.request_id,
    resources: entry.resources.map(({ type, uid, version }) => ({ type, uid, version })),
    resources_omitted: entry.resources_omitted,
    schema_version: entry.schema_version,
  };
}

/** Undefined when the entry is longer than a log can hold. */
export function entryBytes(entry: Entry): Buffer | undefined {
  const bytes = Buffer.from(JSON.stringify(inOrder(entry)), "utf8");
  return bytes.length <= longestEntry ? bytes : undefined;
}

const leafPrefix = Buffer.from([0]);

/** RFC 6962 section 2.1, RFC 9162 section 2.1.1: the hash under which the entry is a leaf of the log. */
export function leafHash(entry: Uint8Array): Buffer {
  return hash("sha256", Buffer.concat([leafPrefix, entry]), "buffer");
}
