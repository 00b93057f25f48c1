// What the local key file holds once it is open: wrapping keys in versions with a state, and signing keys of former times. Read
// strictly: whatever is not exactly as written here makes the file corrupt.
import { createPrivateKey, createPublicKey, generateKeyPair, type KeyObject, randomBytes } from "node:crypto";
import { promisify } from "node:util";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { publicJwk, rsaModulusBits, suits, thumbprint } from "../jwk.ts";
import type { KeyState } from "../ports.ts";

export interface WrappingKey {
  readonly version: number;
  readonly state: KeyState;
  readonly createdAt: string;
  /** 32 bytes, base64. */
  readonly key: string;
}

export interface PrivateSigningKey {
  readonly kid: string;
  readonly algorithm: SignatureAlgorithm;
  /** PKCS #8, DER, base64. */
  readonly privateKey: string;
}

export interface StoredSigningKey extends PrivateSigningKey {
  readonly state: KeyState;
  readonly createdAt: string;
}

export interface KeyDocument {
  readonly wrapping: { readonly id: string; readonly versions: readonly WrappingKey[] };
  /** Of a file that was made before signing keys were in the database; empty once they are. */
  readonly signing: readonly StoredSigningKey[];
}

const states: readonly string[] = ["active", "deactivated", "destroyed"] satisfies KeyState[];
const algorithms: readonly string[] = ["ES256", "EdDSA", "RS256", "PS256"] satisfies SignatureAlgorithm[];
const generate = promisify(generateKeyPair);

export function newWrappingKeys(now: Date): KeyDocument["wrapping"] {
  const first: WrappingKey = {
    version: 1,
    state: "active",
    createdAt: now.toISOString(),
    key: randomBytes(32).toString("base64"),
  };
  return { id: `local-${randomBytes(8).toString("hex")}`, versions: [first] };
}

/** Another version that wraps from now on. Those of before open what they wrapped, which may lie in backups. */
export function nextWrappingKey({ id, versions }: KeyDocument["wrapping"], now: Date): KeyDocument["wrapping"] {
  const former = versions.map((key) => (key.state === "active" ? { ...key, state: "deactivated" as const } : key));
  const version = Math.max(...versions.map((key) => key.version)) + 1;
  const key = randomBytes(32).toString("base64");
  return { id, versions: [...former, { version, state: "active", createdAt: now.toISOString(), key }] };
}

async function generatePrivateKey(algorithm: SignatureAlgorithm): Promise<KeyObject> {
  if (algorithm === "ES256") return (await generate("ec", { namedCurve: "P-256" })).privateKey;
  if (algorithm === "EdDSA") return (await generate("ed25519")).privateKey;
  return (await generate("rsa", { modulusLength: rsaModulusBits })).privateKey;
}

function kidOf(privateKey: KeyObject): string | undefined {
  const jwk = publicJwk(createPublicKey(privateKey));
  return jwk && thumbprint(jwk);
}

export async function newSigningKey(algorithm: SignatureAlgorithm): Promise<PrivateSigningKey> {
  const key = await generatePrivateKey(algorithm);
  const kid = kidOf(key);
  if (kid === undefined) throw new Error("a fresh signing key has no public half");
  const privateKey = key.export({ format: "der", type: "pkcs8" }).toString("base64");
  return { kid, algorithm, privateKey };
}

/** The private key, checked: of the kind and strength of its algorithm, and named by its own thumbprint. */
export function importSigningKey(stored: PrivateSigningKey): KeyObject | undefined {
  try {
    const key = createPrivateKey({ key: Buffer.from(stored.privateKey, "base64"), format: "der", type: "pkcs8" });
    return suits(stored.algorithm, key) && kidOf(key) === stored.kid ? key : undefined;
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function hasState(value: Record<string, unknown>): boolean {
  return typeof value.state === "string" && states.includes(value.state) && typeof value.createdAt === "string";
}

function isWrappingKey(value: unknown): value is WrappingKey {
  if (!isRecord(value) || !hasState(value)) return false;
  const { version, key } = value;
  return (
    Number.isSafeInteger(version) &&
    Number(version) >= 1 &&
    typeof key === "string" &&
    Buffer.from(key, "base64").length === 32
  );
}

function isSigningKey(value: unknown): value is StoredSigningKey {
  if (!isRecord(value) || !hasState(value)) return false;
  const { kid, algorithm, privateKey } = value;
  return (
    typeof kid === "string" &&
    typeof algorithm === "string" &&
    algorithms.includes(algorithm) &&
    typeof privateKey === "string"
  );
}

function isWrapping(value: unknown): value is KeyDocument["wrapping"] {
  if (!isRecord(value) || typeof value.id !== "string" || !Array.isArray(value.versions)) return false;
  const versions: unknown[] = value.versions;
  if (!versions.every(isWrappingKey)) return false;
  const numbers = new Set(versions.map((key) => key.version));
  return numbers.size === versions.length && versions.some((key) => key.state === "active");
}

/** Undefined for anything that `JSON.stringify` of a KeyDocument would not have written. */
export function readDocument(bytes: Buffer): KeyDocument | undefined {
  try {
    const value: unknown = JSON.parse(bytes.toString("utf8"));
    if (!isRecord(value) || !isWrapping(value.wrapping) || !Array.isArray(value.signing)) return undefined;
    const signing: unknown[] = value.signing;
    return signing.every(isSigningKey) ? { wrapping: value.wrapping, signing } : undefined;
  } catch {
    return undefined;
  }
}
