// SigningKeyHome of Vault: private keys are made in Transit and never leave it. Signatures that are wanted at the same time
// travel together.
import { createPublicKey, type KeyObject } from "node:crypto";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import type { VaultData } from "../../vault/ports.ts";
import { publicJwk, suits } from "../jwk.ts";
import { type HomeSigningKey, type Jwk, KeyHomeRefused, type SigningKeyHome } from "../ports.ts";
import { type Batches, type BatchSettings, createBatches } from "./batches.ts";
import { readHandle, signingKeyName, type TransitKeyVersion, writeHandle } from "./names.ts";
import { importPublicKey, signatureBytes, transitSchemes } from "./schemes.ts";
import type { Transit, TransitKey } from "./transit.ts";

export interface VaultSigningDeps {
  readonly installationId: string;
  readonly transit: Transit;
  readonly batches: BatchSettings;
}

interface OpenedKey extends Pick<HomeSigningKey, "algorithm" | "handle"> {
  readonly batches: Batches<Uint8Array, Buffer>;
}

/** Keys are replaced, never rotated within: a version that somebody adds by hand signs nothing. */
const onlyVersion = 1;
const signatureForm = /^vault:v([1-9]\d{0,8}):([A-Za-z0-9+/_-]{1,1024}={0,2})$/;

function publicHalf(algorithm: SignatureAlgorithm, key: TransitKey): HomeSigningKey {
  const shown = key.publicKey(onlyVersion);
  const publicKey = shown === undefined ? undefined : importPublicKey(shown);
  const jwk = publicKey && suits(algorithm, publicKey) ? publicJwk(publicKey) : undefined;
  if (jwk === undefined) throw new KeyHomeRefused(`the Transit key ${key.name} has no public half that is of use`);
  return { algorithm, jwk, handle: writeHandle({ name: key.name, version: onlyVersion }) };
}

/** Either alphabet of base64: with `marshaling_algorithm=jws` Transit writes the one of URLs. */
function readSignature(result: VaultData, version: number, bytes: number): Buffer | KeyHomeRefused {
  const match = typeof result.signature === "string" ? signatureForm.exec(result.signature) : null;
  if (match === null) return new KeyHomeRefused("Vault did not sign");
  if (Number(match[1]) !== version || (result.key_version ?? version) !== version)
    return new KeyHomeRefused("Vault signed with another version of the key");
  const signature = Buffer.from(match[2] ?? "", "base64");
  return signature.length === bytes ? signature : new KeyHomeRefused("Vault gave a signature of another length");
}

export function createVaultSigningHome({ installationId, transit, batches }: VaultSigningDeps): SigningKeyHome {
  // By the public half itself: what is checked is what whoever asks has published.
  const opened = new WeakMap<Jwk, OpenedKey>();

  /** One of each batch is checked: a key that was replaced under its name signs whole batches that nobody could verify. */
  function requireGenuine(algorithm: SignatureAlgorithm, key: KeyObject, input: Uint8Array, signature: Buffer): void {
    if (transitSchemes[algorithm].verifies(key, input, signature)) return;
    throw new KeyHomeRefused("Vault signed with another key than the one that is published");
  }

  function openBatches({ algorithm, jwk }: HomeSigningKey, { name, version }: TransitKeyVersion) {
    const key = createPublicKey({ key: { ...jwk }, format: "jwk" });
    const { parameters, input } = transitSchemes[algorithm];
    const bytes = signatureBytes(key);

    async function run(inputs: readonly Uint8Array[]): Promise<readonly (Buffer | Error)[]> {
      const items = inputs.map((one) => ({ input: input(one) }));
      const results = await transit.batch(`sign/${name}`, { ...parameters, key_version: version }, items);
      const signatures = results.map((result) => readSignature(result, version, bytes));
      const checked = signatures.findIndex((signature) => Buffer.isBuffer(signature));
      const [asked, answered] = [inputs[checked], signatures[checked]];
      if (asked !== undefined && Buffer.isBuffer(answered)) requireGenuine(algorithm, key, asked, answered);
      return signatures;
    }

    return createBatches<Uint8Array, Buffer>({ ...batches, operation: "sign", run });
  }

  function batchesOf(key: HomeSigningKey): Batches<Uint8Array, Buffer> {
    const { algorithm, handle, jwk } = key;
    const held = opened.get(jwk);
    if (held?.handle === handle && held.algorithm === algorithm) return held.batches;
    const fresh = openBatches(key, versionOf(key));
    opened.set(jwk, { algorithm, handle, batches: fresh });
    return fresh;
  }

  function versionOf({ handle, algorithm }: HomeSigningKey): TransitKeyVersion {
    const found = readHandle(handle, installationId, algorithm);
    if (found === undefined) throw new Error("the handle names no signing key of this home");
    return found;
  }

  return {
    name: "vault",
    async generate(algorithm, number) {
      const name = signingKeyName(installationId, algorithm, number);
      const { type } = transitSchemes[algorithm];
      return publicHalf(algorithm, await transit.make({ name, type, derived: false }));
    },
    sign: async (key, signingInput) => await batchesOf(key).add(signingInput),
    destroy: async (key) => await transit.destroy(versionOf(key).name),
  };
}
