// A pair of tokens in a form that can be stored and read back as JSON.
import { type Timestamp, timestampDate } from "@bufbuild/protobuf/wkt";
import type { TokenSet } from "@gatehouse/proto/gatehouse/token/v1/token_set_pb.js";

export interface Tokens {
  readonly accessToken: string;
  /** ISO 8601, by the server's clock. */
  readonly accessTokenExpiresAt: string;
  readonly refreshToken: string;
  readonly refreshTokenExpiresAt: string;
  readonly sessionId: string;
}

function isoDate(time: Timestamp | undefined): string {
  return time === undefined ? "" : timestampDate(time).toISOString();
}

export function tokensOf(set: TokenSet): Tokens {
  return {
    accessToken: set.accessToken,
    accessTokenExpiresAt: isoDate(set.accessTokenExpireTime),
    refreshToken: set.refreshToken,
    refreshTokenExpiresAt: isoDate(set.refreshTokenExpireTime),
    sessionId: set.sessionId,
  };
}
