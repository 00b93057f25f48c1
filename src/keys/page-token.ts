// Page tokens: where the next page starts, sealed so that nobody reads or makes one, and bound to method, principal and
// filter so that it continues only the listing that it came from.
import { hash } from "node:crypto";
import { GatehouseError } from "../kernel/errors.ts";
import type { Binding, InstallationSealer, PageScope, PageTokens } from "../kernel/sealing.ts";
import { canonicalTuple } from "./canonical-tuple.ts";

const lifetimeMs = 60 * 60 * 1000;
const instantBytes = 8;
const longestToken = 8192;

function bindingOf(scope: PageScope): Binding {
  const id = hash("sha256", canonicalTuple([scope.method, scope.principalId, scope.filter]), "hex");
  return { kind: "page-token", id };
}

function decode(token: string): Buffer | undefined {
  if (token.length > longestToken) return undefined;
  const bytes = Buffer.from(token, "base64url");
  // Node skips what is not base64url; one token has one spelling here.
  return bytes.toString("base64url") === token ? bytes : undefined;
}

export function createPageTokens(sealer: InstallationSealer): PageTokens {
  function openSealed(scope: PageScope, token: string): Buffer {
    const bytes = decode(token);
    if (bytes === undefined) throw new GatehouseError("PAGE_TOKEN_INVALID");
    try {
      return sealer.open("page-token", bindingOf(scope), bytes);
    } catch (error) {
      throw error instanceof GatehouseError ? new GatehouseError("PAGE_TOKEN_INVALID") : error;
    }
  }

  return {
    seal(scope, position, now) {
      const expiry = Buffer.alloc(instantBytes);
      expiry.writeBigUInt64BE(BigInt(now.getTime() + lifetimeMs));
      const content = Buffer.concat([expiry, Buffer.from(position, "utf8")]);
      return sealer.seal("page-token", bindingOf(scope), content).toString("base64url");
    },
    open(scope, token, now) {
      if (token === "") return undefined;
      const content = openSealed(scope, token);
      const expired = content.readBigUInt64BE() <= BigInt(now.getTime());
      if (expired) throw new GatehouseError("PAGE_TOKEN_INVALID");
      return content.toString("utf8", instantBytes);
    },
  };
}
