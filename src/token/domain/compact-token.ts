// The compact form of an access token (RFC 7515 section 7.1, RFC 9068 section 2.1): taking it apart and putting it
// together. Nothing here trusts what it reads; the header only picks among keys and algorithms that are known beforehand.
import { GatehouseError } from "../../kernel/errors.ts";
import type { RecentMap } from "../../kernel/recent-map.ts";
import type { SignatureAlgorithm } from "../../kernel/sealing.ts";
import { decodeBase64url } from "./base64url.ts";
import { type JsonObject, parseJsonObject } from "./strict-json.ts";

/** HS256 only for a foreign audience that must keep it. */
export type TokenAlgorithm = SignatureAlgorithm | "HS256";

export interface CompactToken {
  readonly algorithm: TokenAlgorithm;
  readonly kid: string;
  readonly payload: Buffer;
  readonly signature: Buffer;
  /** What the signature covers, as it came. */
  readonly signingInput: string;
}

export const maxTokenLength = 16 * 1024;

const algorithms: ReadonlySet<string> = new Set(["ES256", "EdDSA", "RS256", "PS256", "HS256"]);
const accessTokenType = "at+jwt";
const accessTokenTypes: ReadonlySet<unknown> = new Set([accessTokenType, `application/${accessTokenType}`]);
// An allowlist: crit, jwk, jku, x5u, x5c, b64 and zip have no place here, and neither has what comes after them.
const headerMembers: ReadonlySet<string> = new Set(["alg", "typ", "kid"]);
const longestKid = 128;
const longestKnownHeader = 512;

function malformed(): GatehouseError {
  return new GatehouseError("TOKEN_MALFORMED");
}

function decodePart(part: string): Buffer {
  const bytes = decodeBase64url(part);
  if (bytes === undefined) throw malformed();
  return bytes;
}

function parsePart(bytes: Buffer): JsonObject {
  const object = parseJsonObject(bytes);
  if (object === undefined) throw malformed();
  return object;
}

function isAlgorithm(value: unknown): value is TokenAlgorithm {
  return typeof value === "string" && algorithms.has(value);
}

/** What a header says; all tokens that a key signed have the same. */
export interface TokenHeader {
  readonly algorithm: TokenAlgorithm;
  readonly kid: string;
}

function readHeader(bytes: Buffer): TokenHeader {
  const header = parsePart(bytes);
  const { alg, kid, typ } = header;
  // Without an algorithm that we sign with there is nothing that could be checked; `none` ends here.
  if (!isAlgorithm(alg)) throw new GatehouseError("TOKEN_SIGNATURE_INVALID");
  if (!accessTokenTypes.has(typ)) throw new GatehouseError("TOKEN_WRONG_KIND");
  if (Object.keys(header).some((name) => !headerMembers.has(name))) throw malformed();
  if (typeof kid !== "string" || kid === "" || kid.length > longestKid) throw malformed();
  return { algorithm: alg, kid };
}

function readHeaderOnce(part: string, known: RecentMap<TokenHeader>): TokenHeader {
  const remembered = known.get(part);
  if (remembered !== undefined) return remembered;
  const header = readHeader(decodePart(part));
  if (part.length <= longestKnownHeader) known.set(part, header);
  return header;
}

/**
 * Throws TOKEN_MALFORMED, TOKEN_WRONG_KIND or TOKEN_SIGNATURE_INVALID; nothing is verified yet. `known` are headers that were read
 * before, by their text: a header is right or wrong whatever token it stands in.
 */
export function readCompactToken(token: string, known: RecentMap<TokenHeader>): CompactToken {
  if (token.length > maxTokenLength) throw malformed();
  const [header, payload, signature, ...rest] = token.split(".", 4);
  if (header === undefined || payload === undefined || signature === undefined || rest.length > 0) throw malformed();
  return {
    ...readHeaderOnce(header, known),
    payload: decodePart(payload),
    signature: decodePart(signature),
    signingInput: token.slice(0, header.length + 1 + payload.length),
  };
}

/** The payload of a token as JSON. Throws TOKEN_MALFORMED. */
export function readPayload(token: CompactToken): JsonObject {
  return parsePart(token.payload);
}

/** The header as its part of a token; all tokens that a key signs have the same. */
export function writeHeader(algorithm: TokenAlgorithm, kid: string): string {
  return Buffer.from(JSON.stringify({ alg: algorithm, typ: accessTokenType, kid })).toString("base64url");
}

/** Header and payload, ready to be signed. */
export function writeSigningInput(header: string, payload: string): string {
  return `${header}.${Buffer.from(payload).toString("base64url")}`;
}
