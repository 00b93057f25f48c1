// Who an API key speaks for. Asked of the database each time: a key is shown once for each token that is issued for it, and
// a revoked one is dead at once.
import type { Reader } from "../../kernel/database.ts";
import { GatehouseError } from "../../kernel/errors.ts";
import type { ApiKeys, Standings } from "../../kernel/ports.ts";
import type { Macs } from "../../kernel/sealing.ts";
import { isCredentialText } from "../domain/credential-text.ts";
import type { LastUse } from "../last-use.ts";
import { lookupMacs } from "../lookup-macs.ts";
import { findShownKey } from "./store.ts";

/** What the keyed hash covers. The kind is part of it, so that no other text is ever found as a key. */
export function keyParts(text: string): readonly string[] {
  return ["api-key", text];
}

/** One answer outside; the trail learns which way it was. */
function refused(auditReason: string): GatehouseError {
  return new GatehouseError("CREDENTIAL_INVALID", { auditReason });
}

export interface ApiKeysDeps {
  readonly reader: Reader;
  readonly macs: Macs;
  readonly standings: Standings;
  readonly used: LastUse;
}

export function createApiKeys({ reader, macs, standings, used }: ApiKeysDeps): ApiKeys {
  return {
    async verify(text, now) {
      if (!isCredentialText("api_key", text)) throw refused("API_KEY_MALFORMED");
      const key = await findShownKey(reader, lookupMacs(macs, "token-hash", keyParts(text)), now);
      if (key === undefined) throw refused("API_KEY_DEAD");
      const standing = await standings.of(key.principal_id);
      if (standing?.active !== true) throw refused("PRINCIPAL_DISABLED");
      used.note(key.id, now);
      return {
        keyId: key.id,
        principalId: key.principal_id,
        standing,
        scopes: key.scopes,
        expiresAt: key.expires_at ?? undefined,
      };
    },
  };
}
