// Who an API key speaks for: which look-ups it costs, and which reason the trail keeps.
import { describe, expect, it } from "vitest";
import { createApiKeys } from "../../../../src/auth/api-key/api-keys.ts";
import { makeCredentialText } from "../../../../src/auth/domain/credential-text.ts";
import { createLastUse } from "../../../../src/auth/last-use.ts";
import type { Row } from "../../../../src/kernel/database.ts";
import { callTime } from "../../../fakes/call.ts";
import { bob, principalOf } from "../../../fakes/principal.ts";
import { scriptedDatabase } from "../../../fakes/scripted-database.ts";
import { fakeMacs } from "../../../fakes/sealing.ts";

const row = { id: "01890000-0000-7000-8000-00000000000c", principal_id: bob, scopes: ["*"], expires_at: null };

function open(found: readonly Row[], active = true) {
  const database = scriptedDatabase({ "auth.shown_api_key": () => found });
  const written: ReadonlyMap<string, Date>[] = [];
  const used = createLastUse(async (map) => void written.push(map));
  const standing = { ...principalOf({ id: bob }).standing, active };
  const standings = { peek: () => standing, of: async () => standing, fresh: async () => standing };
  return { keys: createApiKeys({ reader: database, macs: fakeMacs, standings, used }), database, used, written };
}

describe("an API key", () => {
  it("TOK-25 is looked up by its keyed hash, and never by itself", async () => {
    const text = makeCredentialText("api_key");
    let asked: readonly unknown[] = [];
    const { keys, used, written } = open([row]);
    await expect(keys.verify(text, callTime)).resolves.toMatchObject({
      keyId: row.id,
      principalId: bob,
      scopes: ["*"],
    });
    await used.flush();
    expect(written).toEqual([new Map([[row.id, callTime]])]);
    const database = scriptedDatabase({
      "auth.shown_api_key": (parameters) => {
        asked = parameters;
        return [];
      },
    });
    const { standing } = principalOf();
    const standings = { peek: () => standing, of: async () => standing, fresh: async () => standing };
    const strict = createApiKeys({ reader: database, macs: fakeMacs, standings, used });
    await expect(strict.verify(text, callTime)).rejects.toMatchObject({ auditReason: "API_KEY_DEAD" });
    expect(asked).toEqual([[fakeMacs.mac("token-hash", ["api-key", text]).value], callTime.toISOString()]);
  });

  it("TOK-25 that is malformed costs nothing, and one of a stopped account is refused and not noted", async () => {
    const malformed = open([row]);
    await expect(malformed.keys.verify("ghk_x", callTime)).rejects.toMatchObject({ auditReason: "API_KEY_MALFORMED" });
    expect(malformed.database.asked).toEqual([]);
    const stopped = open([row], false);
    const refused = stopped.keys.verify(makeCredentialText("api_key"), callTime);
    await expect(refused).rejects.toMatchObject({ reason: "CREDENTIAL_INVALID", auditReason: "PRINCIPAL_DISABLED" });
    await stopped.used.flush();
    expect(stopped.written).toEqual([]);
  });
});
