// What a master key looks like in text, wherever it is given.

const keyBytes = 32;
// 32 random bytes have about 30 distinct values; fewer than 16 happens once in more starts than there are atoms.
const fewestDistinctBytes = 16;

export const masterKeyForm = "32 random bytes in base64, base64url or hex, as `openssl rand -base64 32` makes them";

function decode(text: string): Buffer | undefined {
  if (/^[0-9a-fA-F]{64}$/.test(text)) return Buffer.from(text, "hex");
  if (/^[A-Za-z0-9+/]{43}=?$/.test(text) || /^[A-Za-z0-9_-]{43}=?$/.test(text)) return Buffer.from(text, "base64");
  return undefined;
}

/** Undefined when the text is of another form. */
export function decodeMasterKey(text: string): Buffer | undefined {
  const key = decode(text.trim());
  return key?.length === keyBytes ? key : undefined;
}

/** A key that somebody typed (all zeros, a phrase) is a key in form only. */
export function looksChosen(key: Buffer): boolean {
  return new Set(key).size < fewestDistinctBytes || key.every((byte) => byte >= 0x20 && byte < 0x7f);
}
