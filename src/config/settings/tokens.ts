// Tokens and sessions.
import * as is from "../kinds.ts";
import { sensitive, setting } from "../setting.ts";
import { originOf, ownOrigins } from "../web-kinds.ts";

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
  signingKeyRotationMs: setting({
    env: "GATEHOUSE_SIGNING_KEY_ROTATION",
    kind: is.durationOrOff("1h", "3650d"),
    default: "90d",
    doc: "A key signs tokens for this long, then the next one does. `off`: until SigningKeyService/RotateSigningKey is called.",
  }),
  signingKeyLeadMs: setting({
    env: "GATEHOUSE_SIGNING_KEY_LEAD",
    kind: is.duration("10m", "30d"),
    default: "1h",
    doc: "The next key is published this long before it signs, so that it is in every copy of the JWKS by then; those live for five minutes here, perhaps longer elsewhere.",
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
  dpopOrigins: setting({
    env: "GATEHOUSE_DPOP_ORIGINS",
    kind: ownOrigins,
    default: {
      doc: "the origin of `GATEHOUSE_WEB_URL`",
      from: (text) => originOf(text("GATEHOUSE_WEB_URL") ?? text("JWT_ISSUER")),
    },
    doc: "The origins under which callers reach this installation, such as `https://gatehouse.example:8443`, with commas. The URL in a DPoP proof begins with one of them; what a request says of its own host is not believed.",
  }),
  dpopNonce: setting({
    env: "GATEHOUSE_DPOP_NONCE",
    kind: is.oneOf("off", "required"),
    default: "off",
    doc: "Whether DPoP proofs must carry a nonce that this installation gave out, so that none can be made beforehand. Costs callers a second try every few minutes.",
  }),
} as const;
