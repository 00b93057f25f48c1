// Signs as a key home does, with real keys made on the spot; and signs whatever a forger who had them would.
import { constants, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { SignatureAlgorithm, VerificationKey } from "../../src/kernel/sealing.ts";
import { publicJwk, thumbprint } from "../../src/keys/jwk.ts";
import type { SigningKeys } from "../../src/keys/ports.ts";
import { stateOf } from "../../src/keys/signing/states.ts";

export interface TestSigner extends SigningKeys {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
  /** Signatures made so far. */
  readonly signed: () => number;
  /** From now on, what every signature rejects with; undefined = works again. */
  failing: Error | undefined;
}

function generate(algorithm: SignatureAlgorithm) {
  if (algorithm === "ES256") return generateKeyPairSync("ec", { namedCurve: "P-256" });
  if (algorithm === "EdDSA") return generateKeyPairSync("ed25519");
  return generateKeyPairSync("rsa", { modulusLength: 3072 });
}

function inputOf(algorithm: SignatureAlgorithm, key: KeyObject) {
  if (algorithm === "ES256") return { key, dsaEncoding: "ieee-p1363" as const };
  if (algorithm !== "PS256") return { key };
  return { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_DIGEST };
}

const elsewhere = (): Promise<never> => Promise.reject(new Error("the life of keys is not part of these tests"));

export function createTestSigner(algorithm: SignatureAlgorithm = "ES256"): TestSigner {
  const { privateKey, publicKey } = generate(algorithm);
  const jwk = publicJwk(publicKey);
  if (jwk === undefined) throw new TypeError("not a signing key");
  const kid = thumbprint(jwk);
  const key: VerificationKey = { kid, algorithm, jwk: { ...jwk, kid, alg: algorithm, use: "sig" } };
  const published = [key];
  let signed = 0;
  const signer: TestSigner = {
    privateKey,
    publicKey,
    failing: undefined,
    signed: () => signed,
    current: () => key,
    ready: async () => {},
    verificationKeys: () => published,
    compromised: () => false,
    lookAgain: async () => {},
    stateOf,
    list: elsewhere,
    prepareRotation: elsewhere,
    prepareCompromise: elsewhere,
    caughtUp: async () => {},
    async sign(_kid, signingInput) {
      if (signer.failing !== undefined) throw signer.failing;
      signed += 1;
      const digest = algorithm === "EdDSA" ? null : "sha256";
      return await promisify(sign)(digest, signingInput, inputOf(algorithm, privateKey));
    },
  };
  return signer;
}

const encode = (part: unknown): string =>
  (Buffer.isBuffer(part) ? part : Buffer.from(typeof part === "string" ? part : JSON.stringify(part))).toString(
    "base64url",
  );

/** Any header over any payload (objects, or text or bytes as they are), truly signed. */
export async function signAnything(signer: TestSigner, header: unknown, payload: unknown): Promise<string> {
  const input = `${encode(header)}.${encode(payload)}`;
  const signature = await signer.sign(signer.current().kid, Buffer.from(input, "latin1"));
  return `${input}.${signature.toString("base64url")}`;
}
