// Whoever creates a resource owns it: an editor grant, written by the server itself.
import { uuidv7 } from "../../kernel/ids.ts";
import type { Ownership } from "../../kernel/ports.ts";
import { standingChangeLivesMs } from "../domain/access-rules.ts";
import { insertOwnership } from "../grant/store.ts";

export function createOwnership(): Ownership {
  return {
    async own(tx, principalId, resource, now) {
      await insertOwnership(tx, { id: uuidv7(now), principalId, resource, now });
      tx.announce({
        kind: "principal",
        key: principalId,
        expiresAt: new Date(now.getTime() + standingChangeLivesMs),
      });
    },
  };
}
