// Identifiers: UUIDv7 (RFC 9562 section 5.7) in storage, with a type prefix in text form, so that a session id
// pasted where a principal id belongs is refused by its shape.
import { randomFillSync } from "node:crypto";

export const idPrefixes = {
  principal: "prn",
  session: "ses",
  grant: "grt",
  event: "evt",
  invitation: "inv",
  apiKey: "key",
  workloadBinding: "wlb",
  clientSecret: "cls",
} as const;

export type IdKind = keyof typeof idPrefixes;

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const pool = Buffer.alloc(10 * 256);
let used = pool.length;

/** A new UUIDv7 whose first 48 bits are `now` in Unix milliseconds; the other 74 free bits are random. */
export function uuidv7(now: Date): string {
  if (used === pool.length) {
    randomFillSync(pool);
    used = 0;
  }
  const random = pool.toString("hex", used, used + 10);
  used += 10;
  const time = now.getTime().toString(16).padStart(12, "0");
  const variant = ((Number.parseInt(random.charAt(3), 16) & 0x3) | 0x8).toString(16);
  return `${time.slice(0, 8)}-${time.slice(8)}-7${random.slice(0, 3)}-${variant}${random.slice(4, 7)}-${random.slice(7, 19)}`;
}

/** `prn_018f...`: the text form of an id. */
export function formatId(kind: IdKind, uuid: string): string {
  return `${idPrefixes[kind]}_${uuid}`;
}

/** The UUID inside the text form, or undefined when the text is not an id of this kind. */
export function parseId(kind: IdKind, text: string): string | undefined {
  const prefix = `${idPrefixes[kind]}_`;
  if (!text.startsWith(prefix)) return undefined;
  const uuid = text.slice(prefix.length);
  return uuidPattern.test(uuid) ? uuid : undefined;
}
