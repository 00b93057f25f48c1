// Where the access token of a call comes from.
import type { Services } from "../core/services.ts";

export interface TokenProvider {
  /** The access token for the next call; at once where one is at hand. */
  token(): string | Promise<string>;
  /**
   * The server refused `refused` (CREDENTIAL_INVALID). Answers another token to try once, or undefined when there is
   * none. Called by every call that was refused, so many may ask at once.
   */
  renew?(refused: string): Promise<string | undefined>;
}

/** The calls that need no credential, for providers that log in and refresh. */
export type AnonymousServices = Pick<Services, "auth" | "tokens">;

export type CredentialFactory = (services: AnonymousServices) => TokenProvider;

/** A token that never changes, a provider, or what makes a provider out of the client's own anonymous calls. */
export type Credentials = string | TokenProvider | CredentialFactory;

export function toProvider(
  credentials: Credentials | undefined,
  anonymous: () => AnonymousServices,
): TokenProvider | undefined {
  if (typeof credentials === "string") return { token: () => credentials };
  if (typeof credentials === "function") return credentials(anonymous());
  return credentials;
}
