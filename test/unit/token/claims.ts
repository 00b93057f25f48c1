// A payload with which nothing is wrong, for tests that put one thing wrong.
import type { TokenWorld } from "../../fakes/token-world.ts";

export const alice = "01890000-0000-7000-8000-00000000000a";
export const bob = "01890000-0000-7000-8000-00000000000b";
export const session = "01890000-0000-7000-8000-0000000000aa";
export const tokenId = "01890000-0000-7000-8000-0000000000bb";

export function goodHeader(world: TokenWorld): Record<string, unknown> {
  const { algorithm, kid } = world.signer.current();
  return { alg: algorithm, typ: "at+jwt", kid };
}

export function goodPayload(world: TokenWorld): Record<string, unknown> {
  const now = Math.floor(world.time.now.getTime() / 1000);
  return {
    iss: world.settings.issuer,
    sub: `prn_${alice}`,
    aud: "gatehouse",
    exp: now + 1800,
    iat: now,
    nbf: now,
    jti: tokenId,
    sid: `ses_${session}`,
    client_id: "gatehouse",
    scope: "*",
    roles: ["viewer"],
    amr: ["pwd"],
    acr: "aal1",
    auth_time: now,
    gen: 1,
  };
}
