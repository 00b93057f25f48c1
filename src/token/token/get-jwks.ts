// TokenService.GetJwks: the keys that verify access tokens (RFC 7517). A shared secret is no verification key, so HS256
// never gets here.
import { create } from "@bufbuild/protobuf";
import { GetJwksResponseSchema, type TokenService } from "@gatehouse/proto/gatehouse/token/v1/token_service_pb.js";
import type { UnaryHandler } from "../../kernel/handler.ts";
import type { TokenSigner, VerificationKey } from "../../kernel/sealing.ts";

/** Named one by one: a member that is not in this list cannot slip out. */
function publicMembers({ kid, algorithm, jwk }: VerificationKey) {
  const { kty = "", crv = "", x = "", y = "", n = "", e = "" } = jwk;
  return { kty, use: "sig", alg: algorithm, kid, crv, x, y, n, e };
}

export function createGetJwks(deps: {
  readonly signer: TokenSigner;
}): UnaryHandler<typeof TokenService.method.getJwks> {
  return async () => create(GetJwksResponseSchema, { keys: deps.signer.verificationKeys().map(publicMembers) });
}
