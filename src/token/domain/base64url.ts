// Base64url as JOSE has it (RFC 7515 section 2): no padding, no line breaks, and one text only for the same bytes.

const alphabet = /^[A-Za-z0-9_-]+$/;

/**
 * Undefined unless `text` is the one canonical encoding of some bytes. Decoders that ignore the unused bits of the last
 * character give a token several spellings, and whatever is keyed by the spelling can then be evaded.
 */
export function decodeBase64url(text: string): Buffer | undefined {
  if (!alphabet.test(text)) return undefined;
  const bytes = Buffer.from(text, "base64url");
  return bytes.toString("base64url") === text ? bytes : undefined;
}
