// TLS or plaintext. Tokens travel on this channel, so plaintext beyond this machine has to be said out loud.
import { createSecureContext, type SecureContextOptions } from "node:tls";
import { type ChannelCredentials, credentials } from "@grpc/grpc-js";
import type { Address } from "./address.ts";

/** PEM. Without `ca`, the authorities that Node trusts. */
export type TlsOptions = Pick<SecureContextOptions, "ca" | "cert" | "key">;

export interface SecurityOptions {
  /** Default: TLS, except on loopback and Unix sockets. `false` = plaintext. */
  readonly tls?: false | TlsOptions;
  /** Allows plaintext to other machines, where something else protects the way. */
  readonly insecure?: boolean;
}

export function channelCredentials(address: Address, { tls, insecure = false }: SecurityOptions): ChannelCredentials {
  const plaintext = tls === false || (tls === undefined && (address.local || insecure));
  if (!plaintext) {
    return credentials.createFromSecureContext(createSecureContext({ ...tls, minVersion: "TLSv1.2" }));
  }
  if (!address.local && !insecure) {
    throw new TypeError(
      "plaintext beyond loopback and Unix sockets sends tokens in clear; use TLS, or say insecure: true",
    );
  }
  return credentials.createInsecure();
}
