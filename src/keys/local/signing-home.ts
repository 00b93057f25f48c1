// SigningKeyHome of the local home: private keys lie in the database, sealed under the file's wrapping key, so that replicas
// which share that key share them. A key is opened once.
import { createPublicKey } from "node:crypto";
import { createRecentMap } from "../../kernel/recent-map.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { createSign, type SignInput } from "../../kernel/signatures.ts";
import { canonicalTuple } from "../canonical-tuple.ts";
import { publicJwk, thumbprintOf } from "../jwk.ts";
import type { HomeSigningKey, SigningKeyHome } from "../ports.ts";
import { importSigningKey, type KeyDocument, newSigningKey, type PrivateSigningKey } from "./document.ts";
import { createLocalKeks, type SealedUnderKek } from "./keks.ts";

export interface LocalSigningHome extends SigningKeyHome {
  /** A key as this home would have made it. Undefined = it is not sound. */
  adopt(key: PrivateSigningKey): HomeSigningKey | undefined;
  erase(): void;
}

const mostOpen = 32;

function writeHandle({ kekId, kekVersion, ciphertext }: SealedUnderKek): string {
  return `${kekId}.${kekVersion}.${ciphertext.toString("base64url")}`;
}

function readHandle(handle: string): SealedUnderKek {
  const [kekId = "", version, ciphertext = ""] = handle.split(".");
  return { kekId, kekVersion: Number(version), ciphertext: Buffer.from(ciphertext, "base64url") };
}

function contextOf(algorithm: SignatureAlgorithm, kid: string): Buffer {
  return canonicalTuple([algorithm, kid]);
}

// Joining six hundred characters and hashing them costs a microsecond, and a key in use is the same object each time.
const names = new WeakMap<HomeSigningKey["jwk"], Pick<HomeSigningKey, "algorithm" | "handle"> & { name: string }>();

/** All of it, so that a key that is open for one row never signs for another that borrowed its handle. */
function nameOf({ algorithm, jwk, handle }: HomeSigningKey): string {
  const known = names.get(jwk);
  if (known?.algorithm === algorithm && known.handle === handle) return known.name;
  const name = `${algorithm} ${jwk.x} ${jwk.y} ${jwk.n} ${handle}`;
  names.set(jwk, { algorithm, handle, name });
  return name;
}

export function createLocalSigningHome(wrapping: KeyDocument["wrapping"], installationId: string): LocalSigningHome {
  const keks = createLocalKeks(wrapping, installationId, "gatehouse/local-signing-key/v1");
  const opened = createRecentMap<SignInput>(mostOpen);

  function adopt(stored: PrivateSigningKey): HomeSigningKey | undefined {
    const { kid, algorithm } = stored;
    const key = importSigningKey(stored);
    const jwk = key && publicJwk(createPublicKey(key));
    if (jwk === undefined) return undefined;
    const privateKey = Buffer.from(stored.privateKey, "base64");
    const handle = writeHandle(keks.seal(contextOf(algorithm, kid), privateKey));
    privateKey.fill(0);
    return { algorithm, jwk, handle };
  }

  function open({ algorithm, jwk, handle }: HomeSigningKey): SignInput {
    const kid = thumbprintOf(jwk);
    const bytes = keks.open(contextOf(algorithm, kid), readHandle(handle));
    const key = bytes && importSigningKey({ kid, algorithm, privateKey: bytes.toString("base64") });
    bytes?.fill(0);
    if (key === undefined) throw new Error("the signing key does not open with the keys of this home");
    return createSign(algorithm, key);
  }

  function openedKey(key: HomeSigningKey): SignInput {
    const name = nameOf(key);
    const held = opened.get(name);
    if (held !== undefined) return held;
    const fresh = open(key);
    opened.set(name, fresh);
    return fresh;
  }

  return {
    name: "local",
    adopt,
    async generate(algorithm) {
      const made = adopt(await newSigningKey(algorithm));
      if (made === undefined) throw new Error("a fresh signing key is not sound");
      return made;
    },
    async sign(key, signingInput) {
      return await openedKey(key)(signingInput);
    },
    // What is left of it is its handle, which goes with the row.
    destroy: async (key) => opened.delete(nameOf(key)),
    erase() {
      opened.sweep(() => true);
      keks.erase();
    },
  };
}
