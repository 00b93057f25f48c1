// Public keys that access tokens are encrypted to (RFC 7517, RFC 7518 section 4), as an administrator hands them in. What is kept is
// built member by member from the key that was understood, never from the text that came.
import { createPublicKey, hash, type JsonWebKey, type KeyObject } from "node:crypto";

/** `kty`, its public members, `alg`, `use` and `kid`. */
export type EncryptionKey = Readonly<Record<string, string>>;

export interface OfferedKey {
  readonly kty: string;
  readonly use: string;
  readonly alg: string;
  readonly kid: string;
  readonly crv: string;
  readonly x: string;
  readonly y: string;
  readonly n: string;
  readonly e: string;
}

const keyId = /^[A-Za-z0-9._~-]{1,128}$/;
/** SP 800-131A: 112 bits of strength until the end of 2030. */
const leastModulusBits = 2048;
const mostModulusBits = 8192;

/** What each kind of key is used with; RSA1_5 and SHA-1 are not among them (RFC 8725 section 3.2). */
const algorithms = {
  RSA: ["RSA-OAEP-256"],
  EC: ["ECDH-ES", "ECDH-ES+A256KW"],
} as const;

function isEncryptable(kty: string): kty is keyof typeof algorithms {
  return Object.hasOwn(algorithms, kty);
}

/** Node checks that a point lies on its curve. Undefined = it is no key. */
function understood(offered: OfferedKey): KeyObject | undefined {
  const { kty, crv, x, y, n, e } = offered;
  const jwk: JsonWebKey = kty === "RSA" ? { kty, n, e } : { kty, crv, x, y };
  try {
    return createPublicKey({ key: jwk, format: "jwk" });
  } catch {
    return undefined;
  }
}

/** In the order of RFC 7638 section 3.2, so that the thumbprint is over its text. */
function publicMembers(key: KeyObject): Record<string, string> | undefined {
  const { kty, crv, x, y, n, e } = key.export({ format: "jwk" });
  if (kty === "EC" && crv === "P-256" && x !== undefined && y !== undefined) return { crv, kty, x, y };
  return kty === "RSA" && n !== undefined && e !== undefined ? { e, kty, n } : undefined;
}

function isStrong(key: KeyObject): boolean {
  if (key.asymmetricKeyType === "ec") return true;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  const sound = publicExponent >= 65_537n && publicExponent % 2n === 1n && publicExponent < 1n << 64n;
  return modulusLength >= leastModulusBits && modulusLength <= mostModulusBits && sound;
}

export type ReadEncryptionKey =
  | { readonly key: EncryptionKey }
  /** The member that is wrong, and what it must be. */
  | { readonly member: string; readonly fault: string };

export function readEncryptionKey(offered: OfferedKey): ReadEncryptionKey {
  const { kty, use, alg, kid } = offered;
  if (!isEncryptable(kty)) return { member: "kty", fault: "must be RSA or EC" };
  if (use !== "" && use !== "enc") return { member: "use", fault: "must be enc, or be left out" };
  const [usual, ...others] = algorithms[kty];
  const wanted = alg === "" ? usual : alg;
  if (![usual, ...others].some((one) => one === wanted))
    return { member: "alg", fault: "is not one for keys of its type" };
  if (kid !== "" && !keyId.test(kid)) return { member: "kid", fault: "must be letters, digits and ._~-, at most 128" };
  const key = understood(offered);
  const members = key && publicMembers(key);
  if (key === undefined || members === undefined)
    return { member: "kty", fault: "must come with the public members of an RSA or P-256 key" };
  if (!isStrong(key)) return { member: "n", fault: "must be of 2048 to 8192 bits, with an exponent of 65537 or more" };
  const thumbprint = hash("sha256", JSON.stringify(members), "base64url");
  return { key: { ...members, alg: wanted, use: "enc", kid: kid === "" ? thumbprint : kid } };
}
