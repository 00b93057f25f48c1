// What every face of @gatehouse/client shows, whatever carries the calls.
export type { Clock } from "./core/clock.ts";
export type { Gatehouse } from "./core/gatehouse.ts";
export type { RetryOptions } from "./core/retry-options.ts";
export type { Services } from "./core/services.ts";
export { type PasswordLoginOptions, passwordLogin } from "./credentials/password-login.ts";
export type { AnonymousServices, CredentialFactory, Credentials, TokenProvider } from "./credentials/provider.ts";
export { type RefreshingOptions, refreshing, type ShownClient } from "./credentials/refreshing.ts";
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
