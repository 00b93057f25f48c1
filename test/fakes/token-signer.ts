// Signs as a key home does, with real keys made on the spot; and signs whatever a forger who had them would.
import { constants, createPublicKey, generateKeyPairSync, type KeyObject, sign } from "node:crypto";
import { promisify } from "node:util";
import type { SignatureAlgorithm, VerificationKey } from "../../src/kernel/sealing.ts";
import { publicJwk, thumbprint, thumbprintOf } from "../../src/keys/jwk.ts";
import type { SigningKeyHome, SigningKeys } from "../../src/keys/ports.ts";
import { stateOf } from "../../src/keys/signing/states.ts";

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

export interface TestSigner extends SigningKeys, KeyPair {
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

function createSigner(
  key: VerificationKey,
  signWith: (input: Uint8Array) => Promise<Buffer>,
  pair: KeyPair,
): TestSigner {
  const published = [key];
  let signed = 0;
  const signer: TestSigner = {
    get privateKey() {
      return pair.privateKey;
    },
    publicKey: pair.publicKey,
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
      return await signWith(signingInput);
    },
  };
  return signer;
}

export function createTestSigner(algorithm: SignatureAlgorithm = "ES256"): TestSigner {
  const pair = generate(algorithm);
  const jwk = publicJwk(pair.publicKey);
  if (jwk === undefined) throw new TypeError("not a signing key");
  const kid = thumbprint(jwk);
  const digest = algorithm === "EdDSA" ? null : "sha256";
  const signWith = (input: Uint8Array) => promisify(sign)(digest, input, inputOf(algorithm, pair.privateKey));
  return createSigner({ kid, algorithm, jwk: { ...jwk, kid, alg: algorithm, use: "sig" } }, signWith, pair);
}

/** With a key in that home, where nobody sees the private half. */
export async function createHomeSigner(home: SigningKeyHome): Promise<TestSigner> {
  const key = await home.generate("ES256", 1);
  const kid = thumbprintOf(key.jwk);
  const verification: VerificationKey = { kid, algorithm: "ES256", jwk: { ...key.jwk, kid, alg: "ES256", use: "sig" } };
  return createSigner(verification, (input) => home.sign(key, input), {
    publicKey: createPublicKey({ key: { ...key.jwk }, format: "jwk" }),
    get privateKey(): KeyObject {
      throw new Error("the home keeps it");
    },
  });
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
