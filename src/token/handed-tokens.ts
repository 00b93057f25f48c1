// Access tokens that a client was handed and shows in an exchange: live as the database knows it, signed by a key of ours that nobody
// else has, and meant for the client.
import { GatehouseError, grpcCode } from "../kernel/errors.ts";
import type { Client } from "../kernel/ports.ts";
import type { Standing } from "../kernel/principal.ts";
import type { Liveness } from "./liveness.ts";
import type { TokenSettings } from "./settings.ts";
import { hmacKeyId } from "./verification-keys.ts";
import type { VerifiedToken, Verifier } from "./verifier.ts";

export interface HandedToken {
  readonly token: VerifiedToken;
  readonly standing: Standing;
}

export interface HandedTokens {
  /** Throws `refusal` whatever is wrong with the token; the trail learns what. Errors: DATABASE_UNAVAILABLE. */
  read(
    text: string,
    client: Client,
    now: Date,
    refusal: "SUBJECT_TOKEN_INVALID" | "ACTOR_TOKEN_INVALID",
  ): Promise<HandedToken>;
}

export interface HandedTokensDeps {
  readonly verifier: Verifier;
  readonly liveness: Liveness;
  readonly settings: Pick<TokenSettings, "foreignHmacKey">;
}

export function createHandedTokens({ verifier, liveness, settings }: HandedTokensDeps): HandedTokens {
  const { foreignHmacKey } = settings;
  const sharedKeyId = foreignHmacKey && hmacKeyId(foreignHmacKey.audience);

  async function verify(text: string, now: Date): Promise<VerifiedToken | string> {
    try {
      return verifier.known(text) ?? (await verifier.verify(text, now));
    } catch (error) {
      if (error instanceof GatehouseError && error.code === grpcCode.UNAUTHENTICATED) return error.reason;
      throw error;
    }
  }

  function faultOf({ kid, claims }: VerifiedToken, client: Client): string | undefined {
    // Whoever holds the shared secret could have signed it, in anybody's name.
    if (kid === sharedKeyId) return "TOKEN_SIGNATURE_SHARED";
    const meant = claims.clientId === client.id || client.audiences.includes(claims.audience);
    return meant ? undefined : "TOKEN_WRONG_AUDIENCE";
  }

  return {
    async read(text, client, now, refusal) {
      const refuse = (auditReason: string) => new GatehouseError(refusal, { auditReason });
      const token = await verify(text, now);
      if (typeof token === "string") throw refuse(token);
      const fault = faultOf(token, client);
      if (fault !== undefined) throw refuse(fault);
      const standing = await liveness.checkStrongly(token, now);
      if (typeof standing === "string") throw refuse(standing);
      return { token, standing };
    },
  };
}
