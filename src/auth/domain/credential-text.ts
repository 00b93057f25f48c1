// Text of credentials that machines hold: API keys and client secrets. A prefix says the kind, a checksum lets scanners know
// one from a random word without asking anybody, and what lies between comes from the CSPRNG.
import { randomInt } from "node:crypto";
import { crc32 } from "node:zlib";

export type CredentialKind = "api_key" | "client_secret";

// Not `ghs_`: GitHub marks tokens of its own with it, of this very length, and scanners would report to them.
const prefixes: Record<CredentialKind, string> = { api_key: "ghk_", client_secret: "ghc_" };
const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
/** 178 bits. */
const randomLength = 30;
/** 62^6 is more than 2^32. */
const checksumLength = 6;
/** What is shown leaves 130 bits of those that are random. */
const shownLength = 8;
const form = new RegExp(`^gh[a-z]_[0-9A-Za-z]{${randomLength + checksumLength}}$`);

function checksum(text: string): string {
  let rest = crc32(text);
  let digits = "";
  for (let place = 0; place < checksumLength; place += 1) {
    digits = alphabet.charAt(rest % alphabet.length) + digits;
    rest = Math.floor(rest / alphabet.length);
  }
  return digits;
}

export function makeCredentialText(kind: CredentialKind): string {
  const random = Array.from({ length: randomLength }, () => alphabet.charAt(randomInt(alphabet.length))).join("");
  const text = prefixes[kind] + random;
  return text + checksum(text);
}

/** True for what was made as this kind; a typing error, a cut or another kind is told without a look-up. */
export function isCredentialText(kind: CredentialKind, text: string): boolean {
  if (!text.startsWith(prefixes[kind]) || !form.test(text)) return false;
  return checksum(text.slice(0, -checksumLength)) === text.slice(-checksumLength);
}

/** The beginning, by which whoever keeps a credential recognises it. */
export function shownPrefix(text: string): string {
  return text.slice(0, prefixes.api_key.length + shownLength);
}
