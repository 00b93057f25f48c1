// A DPoP proof and what it must agree with (RFC 9449 section 4.3). Everything but the signature, the nonce and whether it was used before.
import { hash, timingSafeEqual } from "node:crypto";
import { GatehouseError } from "../../kernel/errors.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { signatureAlgorithms } from "../../kernel/signatures.ts";
import { decodeBase64url } from "./base64url.ts";
import { type ProofKey, readProofKey } from "./proof-key.ts";
import { type JsonObject, parseJsonObject } from "./strict-json.ts";

export interface ProvenRequest {
  readonly httpMethod: string;
  readonly path: string;
  /** Names under which this installation is reached, such as `https://gatehouse.example`. */
  readonly origins: ReadonlySet<string>;
  /** The token that comes with the proof; undefined where one is asked for. */
  readonly accessToken: string | undefined;
  readonly now: Date;
}

export interface Proof extends ProofKey {
  readonly algorithm: SignatureAlgorithm;
  readonly signingInput: string;
  readonly signature: Buffer;
  readonly id: string;
  readonly nonce: string | undefined;
}

/** How old a proof may be. */
export const proofLifeMs = 60_000;
/** How far its clock may be ahead of ours. */
export const proofSkewMs = 30_000;

const longest = 8 * 1024;
const longestId = 256;
const headerMembers: ReadonlySet<string> = new Set(["alg", "typ", "jwk", "kid"]);

/** One answer outside; the trail learns which check failed. */
export function proofRefused(auditReason: string): GatehouseError {
  return new GatehouseError("PROOF_INVALID", { auditReason });
}

function decoded(part: string): Buffer {
  const bytes = decodeBase64url(part);
  if (bytes === undefined) throw proofRefused("PROOF_MALFORMED");
  return bytes;
}

function parsed(part: string): JsonObject {
  const object = parseJsonObject(decoded(part));
  if (object === undefined) throw proofRefused("PROOF_MALFORMED");
  return object;
}

function isAlgorithm(value: unknown): value is SignatureAlgorithm {
  return typeof value === "string" && signatureAlgorithms.includes(value);
}

function readHeader(header: JsonObject): ProofKey & { readonly algorithm: SignatureAlgorithm } {
  const { typ, alg, jwk } = header;
  if (typ !== "dpop+jwt") throw proofRefused("PROOF_TYPE_WRONG");
  if (!isAlgorithm(alg)) throw proofRefused("PROOF_ALGORITHM_WRONG");
  if (Object.keys(header).some((name) => !headerMembers.has(name))) throw proofRefused("PROOF_MALFORMED");
  const key = readProofKey(jwk, alg);
  if (key === undefined) throw proofRefused("PROOF_KEY_WRONG");
  return { ...key, algorithm: alg };
}

/** Scheme and host in any spelling, the path in ours; no query, no fragment, no user. */
function isUrlOf(htu: unknown, { origins, path }: ProvenRequest): boolean {
  if (typeof htu !== "string" || htu.length > 2048 || /[?#@\\\s]/.test(htu) || !URL.canParse(htu)) return false;
  const url = new URL(htu);
  return origins.has(url.origin) && url.pathname === path;
}

function isLate(iat: unknown, now: Date): boolean {
  if (typeof iat !== "number" || !Number.isFinite(iat)) return true;
  const at = iat * 1000;
  return at <= now.getTime() - proofLifeMs || at > now.getTime() + proofSkewMs;
}

function isHashOf(ath: unknown, token: string): boolean {
  const expected = hash("sha256", token, "base64url");
  if (typeof ath !== "string" || ath.length !== expected.length) return false;
  return timingSafeEqual(Buffer.from(ath, "latin1"), Buffer.from(expected, "latin1"));
}

function checkClaims({ htm, htu, iat, ath }: JsonObject, request: ProvenRequest): void {
  if (htm !== request.httpMethod) throw proofRefused("PROOF_METHOD_WRONG");
  if (!isUrlOf(htu, request)) throw proofRefused("PROOF_URL_WRONG");
  if (isLate(iat, request.now)) throw proofRefused("PROOF_TIME_WRONG");
  if (request.accessToken !== undefined && !isHashOf(ath, request.accessToken)) throw proofRefused("PROOF_TOKEN_WRONG");
}

function idOf({ jti }: JsonObject): string {
  if (typeof jti !== "string" || jti === "" || jti.length > longestId) throw proofRefused("PROOF_ID_WRONG");
  return jti;
}

/** Throws PROOF_INVALID. What it answers is believed by nobody before the signature is verified. */
export function readProof(proofs: readonly string[], request: ProvenRequest): Proof {
  const [proof, ...more] = proofs;
  if (proof === undefined || more.length > 0)
    throw proofRefused(proof === undefined ? "PROOF_MISSING" : "PROOF_DOUBLED");
  const [header, payload, signature, ...rest] = proof.length > longest ? [] : proof.split(".", 4);
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0)
    throw proofRefused("PROOF_MALFORMED");
  const head = readHeader(parsed(header));
  const claims = parsed(payload);
  checkClaims(claims, request);
  const { nonce } = claims;
  if (nonce !== undefined && typeof nonce !== "string") throw proofRefused("PROOF_MALFORMED");
  return { ...head, id: idOf(claims), nonce, signature: decoded(signature), signingInput: `${header}.${payload}` };
}
