// Reads stored entry bytes back, as strictly as they were written: what is not byte for byte what the encoder would
// write is no entry of ours.
import { type CanonicalValue, canonicalJson } from "./canonical-json.ts";
import { type Entry, schemaVersion } from "./entry.ts";

interface Members {
  readonly [key: string]: CanonicalValue | undefined;
}

class NoEntry extends Error {
  override readonly name = "NoEntry";
}

function membersOf(value: unknown): Members {
  if (typeof value !== "object" || value === null || Array.isArray(value)) throw new NoEntry("not an object");
  return value as Members;
}

function textOf(value: unknown): string {
  if (typeof value !== "string") throw new NoEntry("not a text");
  return value;
}

function integerOf(value: unknown): number {
  if (typeof value !== "number") throw new NoEntry("not a number");
  return value;
}

function optional<T>(value: unknown, read: (value: unknown) => T): T | undefined {
  return value === undefined ? undefined : read(value);
}

function readActor(value: unknown): Entry["actor"] {
  const { id, kind, session_id, client_id } = membersOf(value);
  return {
    id: optional(id, textOf),
    kind: textOf(kind),
    session_id: optional(session_id, textOf),
    client_id: optional(client_id, textOf),
  };
}

function readResources(value: unknown): Entry["resources"] {
  if (!Array.isArray(value)) throw new NoEntry("not a list");
  return value.map((item) => {
    const { type, uid, version } = membersOf(item);
    return { type: textOf(type), uid: textOf(uid), version: optional(version, integerOf) };
  });
}

function readMembers(entry: Members): Entry {
  if (entry.schema_version !== schemaVersion) throw new NoEntry("another schema version");
  const { personal, details } = membersOf(entry.commitments);
  return {
    schema_version: schemaVersion,
    installation: textOf(entry.installation),
    event_id: textOf(entry.event_id),
    occurred_at: textOf(entry.occurred_at),
    event: textOf(entry.event),
    category: textOf(entry.category),
    outcome: textOf(entry.outcome),
    grpc_code: integerOf(entry.grpc_code),
    reason: optional(entry.reason, textOf),
    actor: readActor(entry.actor),
    method: optional(entry.method, textOf),
    request_id: optional(entry.request_id, textOf),
    resources: readResources(entry.resources),
    resources_omitted: optional(entry.resources_omitted, integerOf),
    commitments: { personal: optional(personal, textOf), details: optional(details, textOf) },
  };
}

/** Undefined when the bytes are not an entry of a schema version that we know. */
export function readEntry(bytes: Uint8Array): Entry | undefined {
  try {
    const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
    const entry = readMembers(membersOf(JSON.parse(text)));
    // Catches unknown and doubled members, white space and other spellings of the same values.
    return canonicalJson(entry) === text ? entry : undefined;
  } catch (error) {
    if (
      error instanceof NoEntry ||
      error instanceof SyntaxError ||
      error instanceof RangeError ||
      error instanceof TypeError
    )
      return undefined;
    throw error;
  }
}
