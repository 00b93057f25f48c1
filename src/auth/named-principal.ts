// The principal that a request names; the empty text stands for the caller.
import { invalidField } from "../kernel/errors.ts";
import { type Call, callerOf } from "../kernel/handler.ts";
import { parseId } from "../kernel/ids.ts";

/** The bare UUID. Whether the caller may ask for it was decided before, by the method's policy. */
export function namedPrincipal(principalId: string, call: Call): string {
  if (principalId === "") return callerOf(call).id;
  const id = parseId("principal", principalId);
  if (id === undefined) throw invalidField("principal_id", "must be the id of a principal");
  return id;
}
