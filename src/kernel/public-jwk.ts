// Public keys of others as they come (RFC 7517): looked at member by member before anything is verified with them or encrypted to
// them. What is kept is built from the key that was understood, never from the text that came.
import { createPublicKey, hash, type KeyObject } from "node:crypto";

export type JwkUse = "sig" | "enc";

export interface JwkDemands {
  readonly use: JwkUse;
  /** The algorithms that the caller knows what to do with. */
  readonly algorithms: readonly string[];
}

export interface ImportedJwk {
  readonly key: KeyObject;
  /** `kty` and its public members, in the order of RFC 7638 section 3.2. */
  readonly members: Readonly<Record<string, string>>;
  readonly thumbprint: string;
  /** As given; undefined = it has none. */
  readonly kid: string | undefined;
  /** Those of the demands that suit the key: the one that it names, or all of its kind. Never empty. */
  readonly algorithms: readonly string[];
}

/** Says which member is wrong, and never what it holds. */
export class JwkRefused extends Error {
  override readonly name = "JwkRefused";
  readonly member: string;
  /** What the member must be, for a sentence that begins with its name. */
  readonly fault: string;

  constructor(member: string, fault: string) {
    super(`${member} ${fault}`);
    this.member = member;
    this.fault = fault;
  }
}

interface Kind {
  readonly algorithms: readonly string[];
  /** Bytes of each coordinate. */
  readonly coordinates: Readonly<Record<string, number>>;
}

const curves: Readonly<Record<string, Kind>> = {
  "EC P-256": { algorithms: ["ES256", "ECDH-ES", "ECDH-ES+A256KW"], coordinates: { x: 32, y: 32 } },
  "EC P-384": { algorithms: ["ES384", "ECDH-ES", "ECDH-ES+A256KW"], coordinates: { x: 48, y: 48 } },
  "EC P-521": { algorithms: ["ES512", "ECDH-ES", "ECDH-ES+A256KW"], coordinates: { x: 66, y: 66 } },
  "OKP Ed25519": { algorithms: ["EdDSA", "Ed25519"], coordinates: { x: 32 } },
  "OKP X25519": { algorithms: ["ECDH-ES", "ECDH-ES+A256KW"], coordinates: { x: 32 } },
};
const rsaAlgorithms = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "RSA-OAEP-256"];

/** SP 800-131A: 112 bits of strength. More than the most would be work for us and not for whoever sent it. */
const rsaBits = { least: 2_048, most: 8_192 } as const;
/** RFC 7518 section 6, RFC 8037 section 2. */
const privateMembers = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];
const operations: Readonly<Record<JwkUse, readonly string[]>> = {
  sig: ["verify"],
  enc: ["encrypt", "wrapKey", "deriveKey", "deriveBits"],
};
const knownOperations = new Set(["sign", "decrypt", "unwrapKey", ...operations.sig, ...operations.enc]);
const longestKid = 256;
const mostKeys = 100;

type Members = Readonly<Record<string, unknown>>;

function refuse(member: string, fault: string): never {
  throw new JwkRefused(member, fault);
}

function isRecord(value: unknown): value is Members {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function textMember(jwk: Members, name: string): string | undefined {
  const value = Object.hasOwn(jwk, name) ? jwk[name] : undefined;
  if (value !== undefined && typeof value !== "string") refuse(name, "must be text");
  return value;
}

/** Base64url without padding and without bits that say nothing, or two texts would be one key. */
function bytesMember(jwk: Members, name: string): Buffer {
  const text = textMember(jwk, name) ?? "";
  const bytes = Buffer.from(text, "base64url");
  if (bytes.length === 0 || bytes.toString("base64url") !== text) refuse(name, "must be canonical base64url");
  return bytes;
}

function checkRsa(jwk: Members): void {
  for (const name of ["n", "e"]) if (bytesMember(jwk, name)[0] === 0) refuse(name, "must not begin with a zero byte");
}

/** Which algorithms are for keys of this kind; its coordinates are looked at on the way. */
function algorithmsOfKind(jwk: Members): readonly string[] {
  const kty = textMember(jwk, "kty");
  if (kty === "RSA") {
    checkRsa(jwk);
    return rsaAlgorithms;
  }
  const kind = curves[`${kty} ${textMember(jwk, "crv")}`];
  if (kind === undefined) return refuse("kty", "and crv must be those of a public key that is known here");
  for (const [name, length] of Object.entries(kind.coordinates))
    if (bytesMember(jwk, name).length !== length) refuse(name, `must be of ${length} bytes`);
  return kind.algorithms;
}

function checkStrength(key: KeyObject): void {
  if (key.asymmetricKeyType !== "rsa") return;
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {};
  if (modulusLength < rsaBits.least || modulusLength > rsaBits.most)
    refuse("n", `must be of ${rsaBits.least} to ${rsaBits.most} bits`);
  if (publicExponent < 65_537n || publicExponent % 2n === 0n || publicExponent >= 1n << 32n)
    refuse("e", "must be odd, 65537 or more, and of 32 bits at most");
}

/** Node refuses a point that is not on its curve. */
function understand(jwk: Members): KeyObject {
  const { kty, crv, x, y, n, e } = jwk;
  try {
    return createPublicKey({ key: JSON.parse(JSON.stringify({ kty, crv, x, y, n, e })), format: "jwk" });
  } catch {
    return refuse("kty", "must come with the public members of such a key");
  }
}

/** RFC 7517 section 4.3: what the key is for, by its own words. */
function checkPurpose(jwk: Members, use: JwkUse): void {
  const said = textMember(jwk, "use");
  if (said !== undefined && said !== use) refuse("use", `must be ${use}, or be left out`);
  const given = Object.hasOwn(jwk, "key_ops") ? jwk.key_ops : undefined;
  if (given === undefined) return;
  if (!Array.isArray(given) || !given.every((name) => typeof name === "string"))
    refuse("key_ops", "must be a list of texts");
  const named = given as readonly string[];
  if (new Set(named).size !== named.length) refuse("key_ops", "must name each operation once");
  const wanted = operations[use];
  const foreign = named.filter((name) => knownOperations.has(name) && !wanted.includes(name));
  // An empty list is how WebCrypto exports the public half of a key for agreement.
  if (foreign.length > 0 || (use === "sig" && !named.includes("verify"))) refuse("key_ops", `must be those of ${use}`);
}

function checkKid(jwk: Members): string | undefined {
  const kid = textMember(jwk, "kid");
  if (kid !== undefined && (kid === "" || kid.length > longestKid))
    refuse("kid", `must have 1 to ${longestKid} characters`);
  return kid;
}

function publicMembers(key: KeyObject): Record<string, string> {
  const exported = key.export({ format: "jwk" });
  const names = ["crv", "e", "kty", "n", "x", "y"] as const;
  return Object.fromEntries(names.flatMap((name) => (exported[name] === undefined ? [] : [[name, exported[name]]])));
}

export function holdsPrivateMember(jwk: object): boolean {
  return privateMembers.some((name) => Object.hasOwn(jwk, name));
}

/** Throws JwkRefused. */
export function importPublicJwk(given: unknown, { use, algorithms }: JwkDemands): ImportedJwk {
  if (!isRecord(given)) return refuse("key", "must be a JSON object");
  // A private key that was sent in is known to others: whoever sent it must hear of it.
  for (const name of privateMembers) if (Object.hasOwn(given, name)) refuse(name, "must stay with its owner");
  const suitable = algorithmsOfKind(given).filter((name) => algorithms.includes(name));
  const named = textMember(given, "alg");
  const usable = named === undefined ? suitable : suitable.filter((name) => name === named);
  if (usable.length === 0) refuse("alg", "or the kind of the key is not one that is used here");
  checkPurpose(given, use);
  const kid = checkKid(given);
  const key = understand(given);
  checkStrength(key);
  const members = publicMembers(key);
  const thumbprint = hash("sha256", JSON.stringify(members), "base64url");
  return { key, members, thumbprint, kid, algorithms: usable };
}

/** A JWK Set (RFC 7517 section 5), whole or not at all. Throws JwkRefused. */
export function importPublicJwkSet(given: unknown, demands: JwkDemands): readonly ImportedJwk[] {
  const keys = isRecord(given) && Object.hasOwn(given, "keys") ? given.keys : undefined;
  if (!Array.isArray(keys) || keys.length > mostKeys) return refuse("keys", `must be a list of at most ${mostKeys}`);
  const imported = keys.map((key: unknown) => importPublicJwk(key, demands));
  const kids = imported.flatMap(({ kid }) => kid ?? []);
  if (new Set(kids).size !== kids.length) refuse("kid", "must be another for each key");
  return imported;
}
