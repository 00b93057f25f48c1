// Whoever creates a resource owns it: an editor grant, written by the server itself.
import { uuidv7 } from "../../kernel/ids.ts";
import type { Ownership } from "../../kernel/ports.ts";
import { granted, type Standing } from "../../kernel/principal.ts";
import { ownerRole, standingChangeLivesMs } from "../domain/access-rules.ts";
import { insertOwnership } from "../grant/store.ts";

const whenOnlyLastingGrantsLive = Number.MAX_SAFE_INTEGER;

/**
 * Whether ownership gives the creator nothing that lasting grants do not give already. It matters once those are taken away,
 * and taking a grant away announces the principal by itself. A grant that is taken away in the very same moment costs the
 * owner five minutes at most, until the standing is read anew.
 */
function addsNothing(creator: Standing, permissions: readonly string[], resource: string): boolean {
  const holds = (permission: string) => granted(creator.grants, permission, resource, whenOnlyLastingGrantsLive);
  return creator.roles.includes(ownerRole) && permissions.every(holds);
}

export function createOwnership(): Ownership {
  return {
    async own(tx, creator, resource, now) {
      const { principalId } = creator;
      const permissions = await insertOwnership(tx, { id: uuidv7(now), principalId, resource, now });
      // Every announcement makes all replicas read the standing again, with all that the creator owns.
      if (addsNothing(creator, permissions, resource)) return;
      const expiresAt = new Date(now.getTime() + standingChangeLivesMs);
      tx.announce({ kind: "principal", key: principalId, expiresAt });
    },
  };
}
