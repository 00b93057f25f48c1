// The authorization server's metadata (RFC 8414): what a client that speaks OAuth finds here, and nothing that it does not.
import type { JsonObject } from "@bufbuild/protobuf";
import { signatureAlgorithms } from "../../../kernel/signatures.ts";
import type { Endpoints } from "./endpoints.ts";

export interface OAuthSettings {
  /** `iss` of every token, as it was configured: clients compare it as a string. */
  readonly issuer: string;
  /** What clients put before the paths of this door; no slash at its end. */
  readonly url: string;
  /** Whether clients may show certificates, which tokens can be bound to. */
  readonly certificates: boolean;
}

const wellKnown = "/.well-known/oauth-authorization-server";

/** RFC 8414 section 3.1: between the host of the issuer and its path. Also without it, for proxies that take the path away. */
export function metadataPaths({ issuer }: OAuthSettings): ReadonlySet<string> {
  const path = new URL(issuer).pathname.replace(/\/$/, "");
  return new Set([wellKnown, wellKnown + path]);
}

const withSecret = ["client_secret_basic", "client_secret_post"];

export function metadataOf(
  { issuer, url, certificates }: OAuthSettings,
  { grants, token, introspection, revocation }: Endpoints,
): JsonObject {
  return {
    issuer,
    jwks_uri: `${url}/.well-known/jwks.json`,
    // There is no authorization endpoint: people log in where the application sends them, by AuthService.
    response_types_supported: [],
    ...(token && {
      token_endpoint: url + token.path,
      grant_types_supported: [...grants.keys()],
      token_endpoint_auth_methods_supported: [...withSecret, "none"],
      dpop_signing_alg_values_supported: [...signatureAlgorithms],
      tls_client_certificate_bound_access_tokens: certificates,
    }),
    ...(introspection && {
      introspection_endpoint: url + introspection.path,
      introspection_endpoint_auth_methods_supported: withSecret,
    }),
    ...(revocation && {
      revocation_endpoint: url + revocation.path,
      revocation_endpoint_auth_methods_supported: [...withSecret, "none"],
    }),
  };
}
