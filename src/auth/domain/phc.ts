// Reads the PHC string of an argon2 hash, strictly and within bounds, before anything is allocated on its word.

export interface Argon2Cost {
  readonly memoryKib: number;
  readonly iterations: number;
  readonly parallelism: number;
}

export interface Argon2Hash extends Argon2Cost {
  readonly variant: "argon2id" | "argon2i" | "argon2d";
  readonly saltBytes: number;
  readonly tagBytes: number;
}

/** The most that one verification may cost, whatever the string says. */
export const hardestCost: Argon2Cost = { memoryKib: 1_048_576, iterations: 10, parallelism: 16 };

export const saltBytes = 16;
export const tagBytes = 32;

const longestText = 256;
const form =
  /^\$(argon2id|argon2i|argon2d)\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,2})\$([A-Za-z0-9+/]+)\$([A-Za-z0-9+/]+)$/;

/** The number of bytes that unpadded base64 stands for, or undefined when its last character has stray bits. */
function decodedLength(base64: string): number | undefined {
  const bytes = Buffer.from(base64, "base64");
  return bytes.toString("base64").replace(/=+$/, "") === base64 ? bytes.length : undefined;
}

function withinCost(cost: Argon2Cost, most: Argon2Cost): boolean {
  if (cost.memoryKib > most.memoryKib || cost.iterations > most.iterations) return false;
  // RFC 9106 section 3.1: eight blocks for each lane at least.
  return cost.parallelism <= most.parallelism && cost.memoryKib >= 8 * cost.parallelism;
}

/** Undefined for whatever is not an argon2 version 19 hash, is written in another way than ours, or costs more than `most`. */
export function parseArgon2Phc(text: string, most: Argon2Cost): Argon2Hash | undefined {
  if (text.length > longestText) return undefined;
  const [, variant, memory, iterations, parallelism, salt, tag] = form.exec(text) ?? [];
  if (variant === undefined || salt === undefined || tag === undefined) return undefined;
  const cost = { memoryKib: Number(memory), iterations: Number(iterations), parallelism: Number(parallelism) };
  const salted = decodedLength(salt);
  const tagged = decodedLength(tag);
  if (salted === undefined || salted < 8 || salted > 64) return undefined;
  if (tagged === undefined || tagged < 16 || tagged > 64) return undefined;
  if (!withinCost(cost, most)) return undefined;
  return { variant: variant as Argon2Hash["variant"], ...cost, saltBytes: salted, tagBytes: tagged };
}

/** What may be verified at `current` settings: the bounds, widened where the operator asks for more. */
export function boundsFor(current: Argon2Cost): Argon2Cost {
  return {
    memoryKib: Math.max(hardestCost.memoryKib, current.memoryKib),
    iterations: Math.max(hardestCost.iterations, current.iterations),
    parallelism: Math.max(hardestCost.parallelism, current.parallelism),
  };
}

/** True when a hash is weaker than one that would be made now. Parallelism alone makes none weaker. */
export function isBehind(hash: Argon2Hash, current: Argon2Cost): boolean {
  if (hash.variant !== "argon2id" || hash.saltBytes < saltBytes || hash.tagBytes < tagBytes) return true;
  return hash.memoryKib < current.memoryKib || hash.iterations < current.iterations;
}

function unpadded(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString("base64").replace(/=+$/, "");
}

/** A hash that no known password has, written without hashing anything; verifying it is full work. */
export function decoyPhc(cost: Argon2Cost, salt: Uint8Array, tag: Uint8Array): string {
  const { memoryKib, iterations, parallelism } = cost;
  return `$argon2id$v=19$m=${memoryKib},t=${iterations},p=${parallelism}$${unpadded(salt)}$${unpadded(tag)}`;
}
