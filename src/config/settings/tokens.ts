// Tokens and sessions.
import * as is from "../kinds.ts";
import { sensitive, setting } from "../setting.ts";

const minute = 60_000;
const day = 86_400_000;

export const tokens = {
  audience: setting({
    env: "GATEHOUSE_AUDIENCE",
    kind: is.name,
    default: "gatehouse",
    doc: "The audience of tokens that Gatehouse's own methods accept.",
  }),
  jwtAudience: setting({
    env: "JWT_AUDIENCE",
    kind: is.name,
    default: { doc: "the value of `GATEHOUSE_AUDIENCE`", from: (text) => text("GATEHOUSE_AUDIENCE") },
    doc: "The default audience of the tokens that Login and Refresh answer with.",
  }),
  jwtIssuer: setting({
    env: "JWT_ISSUER",
    kind: is.issuer,
    default: "https://gatehouse.localhost",
    doc: "The `iss` of every token, compared as an exact string.",
  }),
  jwtAlgorithm: setting({
    env: "JWT_ALGORITHM",
    kind: is.oneOf("ES256", "EdDSA", "RS256", "PS256", "HS256"),
    default: "ES256",
    doc: "How tokens of the default audience are signed. `HS256` only for an audience other than Gatehouse's own.",
  }),
  jwtSecretKey: sensitive({
    env: "JWT_SECRET_KEY",
    kind: is.secretText,
    doc: "The shared secret of `HS256`, at least 32 bytes. Refused with any other algorithm.",
  }),
  accessTokenLifetimeMs: setting({
    env: "JWT_ACCESS_TOKEN_EXPIRE_MINUTES",
    kind: is.integer({ min: 1, max: 1_440, unit: minute }),
    default: "30",
    doc: "Life of an access token, in minutes.",
  }),
  refreshTokenLifetimeMs: setting({
    env: "JWT_REFRESH_TOKEN_EXPIRE_DAYS",
    kind: is.integer({ min: 1, max: 365, unit: day }),
    default: "7",
    doc: "Life of a refresh token that is not used, in days.",
  }),
  refreshGraceMs: setting({
    env: "GATEHOUSE_REFRESH_GRACE",
    kind: is.duration("0s", "300s"),
    default: "30s",
    doc: "How long the predecessor of a refresh token still answers, with the same successor, so that honest racers are not thrown out.",
  }),
  sessionIdleMs: setting({
    env: "GATEHOUSE_SESSION_IDLE",
    kind: is.duration("1m", "365d"),
    default: "7d",
    doc: "A session that is not refreshed for this long ends.",
  }),
  sessionAbsoluteMs: setting({
    env: "GATEHOUSE_SESSION_ABSOLUTE",
    kind: is.duration("1m", "3650d"),
    default: "90d",
    doc: "A session ends this long after its login, whatever happens.",
  }),
} as const;
