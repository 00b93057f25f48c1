// Whose call it turned out to be: the record of a login or a registration names the person once the person is known.
import type { Call } from "../../kernel/handler.ts";

/** The record speaks of this person while `work` runs and when it succeeds, and of nobody new when it fails. */
export async function recordedAs<T>(
  call: Call,
  person: { readonly id: string; readonly sessionId?: string; readonly clientId?: string },
  work: () => Promise<T>,
): Promise<T> {
  const { actor, subjectId } = call.audit;
  const { id, sessionId, clientId } = person;
  call.audit.actor = { id, kind: "person", sessionId, clientId };
  call.audit.subjectId = id;
  try {
    return await work();
  } catch (error) {
    call.audit.actor = actor;
    call.audit.subjectId = subjectId;
    throw error;
  }
}
