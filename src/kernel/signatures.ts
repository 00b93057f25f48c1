// Signatures of the JWS algorithms (RFC 7518 sections 3.3 to 3.5, RFC 8037), made and verified in libuv's pool, so that RSA
// (1-4 ms a signature) never stands in the way of the event loop.
//
// JWS writes an ECDSA signature as R||S. OpenSSL wants DER, and turning one into the other costs it 27 us each way, part of it
// on the event loop; here it costs one. So through node:crypto with DER, which takes 81 us of CPU a verification where WebCrypto
// takes 99, and 13 of the event loop's where WebCrypto takes 30 (docs/decisions/0049-shared-effects.md).
import { constants, type KeyObject, sign, type VerifyKeyObjectInput, verify } from "node:crypto";
import { derOf, rawOf, rawSignatureBytes } from "./ecdsa-der.ts";
import { createPoolWork } from "./pool-work.ts";
import type { SignatureAlgorithm } from "./sealing.ts";

interface Form {
  /** Null = the algorithm has its own. */
  readonly digest: "sha256" | null;
  /** Undefined = OpenSSL's own, which are DER for ECDSA and PKCS #1 v1.5 for RSA. */
  readonly options: Omit<VerifyKeyObjectInput, "key"> | undefined;
  /** As JWS has it; undefined = as long as the key. */
  readonly bytes: number | undefined;
}

const forms: Readonly<Record<SignatureAlgorithm, Form>> = {
  ES256: { digest: "sha256", options: undefined, bytes: rawSignatureBytes },
  EdDSA: { digest: null, options: undefined, bytes: 64 },
  RS256: { digest: "sha256", options: undefined, bytes: undefined },
  // A salt as long as the hash.
  PS256: { digest: "sha256", options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, bytes: undefined },
};

export const signatureAlgorithms: readonly string[] = Object.keys(forms);

export type SignInput = (input: Uint8Array) => Promise<Buffer>;
export type VerifyInput = (input: Uint8Array, signature: Uint8Array) => Promise<boolean>;

const signing = createPoolWork<Buffer>();
const verifying = createPoolWork<boolean>();

/** As it is where nothing is to be said of it: node:crypto takes 14 us to find out what an object with options holds. */
function ready(key: KeyObject, { options }: Form): KeyObject | VerifyKeyObjectInput {
  return options === undefined ? key : { key, ...options };
}

export function createSign(algorithm: SignatureAlgorithm, privateKey: KeyObject): SignInput {
  const form = forms[algorithm];
  const { digest } = form;
  const key = ready(privateKey, form);
  return async (input) => {
    const signature = await signing((done) => sign(digest, input, key, done));
    return algorithm === "ES256" ? rawOf(signature) : signature;
  };
}

export function createVerify(algorithm: SignatureAlgorithm, publicKey: KeyObject): VerifyInput {
  const form = forms[algorithm];
  const { digest, bytes } = form;
  const key = ready(publicKey, form);
  return async (input, given) => {
    if (bytes !== undefined && given.length !== bytes) return false;
    const signature = algorithm === "ES256" ? derOf(given) : given;
    return await verifying((done) => verify(digest, input, key, signature, done));
  };
}
