// Tokens that work once: invitations and bootstrap tokens. The prefix says the kind and is under the keyed hash, so a
// token of one kind is never one of another.
import { randomBytes } from "node:crypto";

export type OneTimeTokenKind = "bootstrap" | "recovery" | "invitation";

const prefixes: Record<OneTimeTokenKind, string> = { bootstrap: "ghb_", recovery: "gha_", invitation: "ghi_" };
const randomLength = 32;
const randomForm = /^[A-Za-z0-9_-]{43}$/;

/** 256 bits from the CSPRNG. */
export function makeOneTimeToken(kind: OneTimeTokenKind): string {
  return prefixes[kind] + randomBytes(randomLength).toString("base64url");
}

/** True for the one canonical text form of a token of this kind. */
export function isOneTimeToken(kind: OneTimeTokenKind, text: string): boolean {
  if (!text.startsWith(prefixes[kind])) return false;
  const random = text.slice(prefixes[kind].length);
  return randomForm.test(random) && Buffer.from(random, "base64url").toString("base64url") === random;
}
