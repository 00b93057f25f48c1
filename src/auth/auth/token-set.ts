// Tokens as the contract shows them.
import { create } from "@bufbuild/protobuf";
import { timestampFromDate } from "@bufbuild/protobuf/wkt";
import { Presentation, type TokenSet, TokenSetSchema } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";
import { formatId } from "../../kernel/ids.ts";
import type { IssuedTokens } from "../../kernel/sessions.ts";

export function tokenSetOf(tokens: IssuedTokens): TokenSet {
  return create(TokenSetSchema, {
    accessToken: tokens.accessToken,
    accessTokenExpireTime: timestampFromDate(tokens.accessTokenExpiresAt),
    refreshToken: tokens.refreshToken,
    refreshTokenExpireTime: timestampFromDate(tokens.refreshTokenExpiresAt),
    sessionId: formatId("session", tokens.sessionId),
    scopes: [...tokens.scopes],
    audience: tokens.audience,
    presentation: tokens.scheme === "dpop" ? Presentation.DPOP : Presentation.BEARER,
  });
}
