// The key that a request names.
import { invalidField } from "../../kernel/errors.ts";
import type { Call } from "../../kernel/handler.ts";
import { formatId, parseId } from "../../kernel/ids.ts";

/** The bare UUID, and the record says so. */
export function keyOf(apiKeyId: string, call: Call): string {
  const id = parseId("apiKey", apiKeyId);
  if (id === undefined) throw invalidField("api_key_id", "must be the id of a key");
  call.audit.resources.push({ type: "api_key", uid: formatId("apiKey", id) });
  return id;
}
