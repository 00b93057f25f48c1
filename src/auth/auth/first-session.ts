// Opens the session that a password login or the making of the first administrator answers with.
import { oneFactor } from "../../kernel/assurance.ts";
import { builtInClient } from "../../kernel/client-bounds.ts";
import type { Call } from "../../kernel/handler.ts";
import type { Client } from "../../kernel/ports.ts";
import type { Standing } from "../../kernel/principal.ts";
import type { Binding } from "../../kernel/sealing.ts";
import type { PreparedSession, Sessions } from "../../kernel/sessions.ts";

/** What one password comes to; `pwd` is of RFC 8176. */
export const byPassword = { authenticationMethods: ["pwd"], authenticationContext: oneFactor } as const;

export interface WantedSession {
  readonly standing: Standing;
  /** Undefined = the built-in one. */
  readonly client: Client | undefined;
  readonly audience: string;
  readonly scopes: readonly string[];
  readonly deviceName: string;
  readonly seal: (binding: Binding, plaintext: Uint8Array) => Buffer | Promise<Buffer>;
}

/** Errors: KEYS_UNAVAILABLE, AUDIENCE_UNKNOWN, and those of proofs. */
export function preparePasswordSession(
  sessions: Sessions,
  wanted: WantedSession,
  call: Call,
): Promise<PreparedSession> {
  const { standing, client, audience, scopes, deviceName, seal } = wanted;
  return sessions.prepare(
    {
      standing,
      clientId: client?.id ?? builtInClient,
      client,
      audience: audience === "" ? undefined : audience,
      scopes,
      ...byPassword,
      deviceName,
      peer: call.peer,
      possession: call.possession,
      now: call.now,
    },
    (sessionId, device) => seal({ kind: "session.device", id: sessionId }, device),
  );
}
