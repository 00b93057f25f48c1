// Public keys that access tokens are encrypted to (RFC 7517, RFC 7518 section 4), as an administrator hands them in: read like any
// other key of a stranger, and kept as what it was understood to be.
import { importPublicJwk, JwkRefused } from "../../kernel/public-jwk.ts";

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

export type ReadEncryptionKey =
  | { readonly key: EncryptionKey }
  /** The member that is wrong, and what it must be. */
  | { readonly member: string; readonly fault: string };

const keyId = /^[A-Za-z0-9._~-]{1,128}$/;
/** The usual one first for each kind of key; RSA1_5 and SHA-1 are not among them (RFC 8725 section 3.2). */
const algorithms = ["RSA-OAEP-256", "ECDH-ES", "ECDH-ES+A256KW"];

/** What is left out comes as the empty text. Private members are none of an offered key's, whatever else came with it. */
function given({ kty, crv, x, y, n, e, use, alg, kid }: OfferedKey): Record<string, string> {
  const named = kty === "EC" ? { kty, crv, x, y, use, alg, kid } : { kty, n, e, use, alg, kid };
  return Object.fromEntries(Object.entries(named).filter(([, text]) => text !== ""));
}

function fault(member: string, text: string): ReadEncryptionKey {
  return { member, fault: text };
}

export function readEncryptionKey(offered: OfferedKey): ReadEncryptionKey {
  const { kty, crv, kid } = offered;
  if (kty !== "RSA" && kty !== "EC") return fault("kty", "must be RSA or EC");
  // Other curves would be sound; it is tokens that are encrypted to this one alone.
  if (kty === "EC" && crv !== "P-256") return fault("crv", "must be P-256");
  if (kid !== "" && !keyId.test(kid)) return fault("kid", "must be letters, digits and ._~-, at most 128");
  try {
    const { members, thumbprint, algorithms: suitable } = importPublicJwk(given(offered), { use: "enc", algorithms });
    const [alg = ""] = suitable;
    return { key: { ...members, alg, use: "enc", kid: kid === "" ? thumbprint : kid } };
  } catch (error) {
    if (error instanceof JwkRefused) return fault(error.member, error.fault);
    throw error;
  }
}
