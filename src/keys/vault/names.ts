// What keys of an installation are called in Transit, so that replicas which race make the same key, and installations that
// share a mount never meet.
import { hash } from "node:crypto";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { keyPrefix } from "../../vault/ports.ts";

function prefixOf(installationId: string): string {
  return `${keyPrefix}${installationId}`;
}

export function wrappingKeyName(installationId: string): string {
  return `${prefixOf(installationId)}-wrap`;
}

export function signingKeyName(installationId: string, algorithm: SignatureAlgorithm, number: number): string {
  return `${prefixOf(installationId)}-${algorithm.toLowerCase()}-${number}`;
}

/** Stands beside every wrapped key, so it is short. */
export function vaultKekId(installationId: string): string {
  return `vault-${hash("sha256", installationId, "hex").slice(0, 16)}`;
}

/** A version of a signing key in Transit. */
export interface TransitKeyVersion {
  readonly name: string;
  readonly version: number;
}

export function writeHandle({ name, version }: TransitKeyVersion): string {
  return `${name}:${version}`;
}

/** Undefined unless it names a key of this installation and algorithm: a row is not believed to name any other. */
export function readHandle(
  handle: string,
  installationId: string,
  algorithm: SignatureAlgorithm,
): TransitKeyVersion | undefined {
  const match = /^(.{1,200}-([1-9]\d{0,8})):([1-9]\d{0,8})$/.exec(handle);
  const [, name = "", number, version] = match ?? [];
  const expected = signingKeyName(installationId, algorithm, Number(number));
  return match !== null && name === expected ? { name, version: Number(version) } : undefined;
}
