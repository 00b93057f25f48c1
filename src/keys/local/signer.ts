// Signer of the local home. Keys are imported once and cannot be exported; signing runs in libuv's pool, so that an RSA
// signature (1-4 ms) never stands in the way of the event loop. Through WebCrypto, because crypto.sign with a callback
// keeps the event loop half as long again.
import { createPublicKey, type webcrypto } from "node:crypto";
import { GatehouseError } from "../../kernel/errors.ts";
import type { SignatureAlgorithm, VerificationKey } from "../../kernel/sealing.ts";
import { signatureSchemes } from "../../kernel/signature-schemes.ts";
import { StartRefused } from "../../kernel/start-refused.ts";
import { publicJwk } from "../jwk.ts";
import type { Signer } from "../ports.ts";
import { importSigningKey, type StoredSigningKey } from "./document.ts";

interface LoadedKey {
  readonly stored: StoredSigningKey;
  readonly published: VerificationKey;
  readonly key: webcrypto.CryptoKey;
}

function load(stored: StoredSigningKey): LoadedKey {
  const key = importSigningKey(stored);
  const jwk = key && publicJwk(createPublicKey(key));
  if (key === undefined || jwk === undefined)
    throw new StartRefused("the key file holds a signing key that is not sound");
  const { kid, algorithm } = stored;
  const published = { kid, algorithm, jwk: { ...jwk, kid, alg: algorithm, use: "sig" } };
  return { stored, published, key: key.toCryptoKey(signatureSchemes[algorithm], false, ["sign"]) };
}

async function signInPool({ stored, key }: LoadedKey, signingInput: Uint8Array): Promise<Buffer> {
  return Buffer.from(await crypto.subtle.sign(signatureSchemes[stored.algorithm], key, Buffer.from(signingInput)));
}

/** `algorithms` are those in use, the first one being the default; every one needs an active key in `stored`. */
export function createLocalSigner(
  stored: readonly StoredSigningKey[],
  algorithms: readonly SignatureAlgorithm[],
): Signer {
  const keys = stored.filter((key) => key.state !== "destroyed").map(load);
  const published = keys.map((key) => key.published);
  // The last active key of an algorithm is its newest: keys are appended.
  const current = new Map(
    keys.filter((key) => key.stored.state === "active").map((key) => [key.stored.algorithm, key.published]),
  );
  const signing = new Map(keys.filter((key) => key.stored.state === "active").map((key) => [key.stored.kid, key]));

  return {
    current(algorithm = algorithms[0]) {
      const key = algorithm !== undefined && algorithms.includes(algorithm) ? current.get(algorithm) : undefined;
      if (key === undefined) throw new Error("no signing key of this algorithm is configured");
      return key;
    },
    verificationKeys: () => published,
    async sign(kid, signingInput) {
      const key = signing.get(kid);
      // The key was retired between the header and the signature: the caller's next try takes the new one.
      if (key === undefined)
        throw new GatehouseError("KEYS_UNAVAILABLE", { cause: new Error("the signing key is not active") });
      return await signInPool(key, signingInput);
    },
  };
}
