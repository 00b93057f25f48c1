// The public face of @gatehouse/client on Node.
export type { Clock } from "./core/clock.ts";
export type { Services } from "./core/services.ts";
export { createGatehouse, type Gatehouse, type GatehouseOptions } from "./create-gatehouse.ts";
export { type PasswordLoginOptions, passwordLogin } from "./credentials/password-login.ts";
export type { AnonymousServices, CredentialFactory, Credentials, TokenProvider } from "./credentials/provider.ts";
export { type RefreshingOptions, refreshing } from "./credentials/refreshing.ts";
export type { TokensHook } from "./credentials/token-keeper.ts";
export { type Tokens, tokensOf } from "./credentials/tokens.ts";
export { type FieldViolation, GatehouseError, isReason } from "./errors/gatehouse-error.ts";
export {
  AuthError,
  ExpiredToken,
  InvalidCredentials,
  InvalidToken,
  OutcomeUnknown,
  PermissionDenied,
  RateLimited,
  RevokedToken,
  TokenError,
  Unavailable,
  ValidationError,
  VersionConflict,
} from "./errors/kinds.ts";
export type { LocalReason, Reason, ServerReason } from "./errors/reasons.ts";
export { requireActive } from "./errors/require-active.ts";
export type { TlsOptions } from "./transport/channel-credentials.ts";
export type { RetryOptions } from "./transport/service-config.ts";
