// A Kubernetes service account token: a JWT of the cluster's, bound to an audience and short-lived. Nothing in it is believed
// before its signature is; its header only picks among keys and algorithms that are known beforehand.
import { type KeyObject, verify } from "node:crypto";
import { TextDecoder } from "node:util";
import type { WorkloadEvidence } from "../kernel/ports.ts";

type JsonObject = { readonly [name: string]: unknown };

export interface UnverifiedToken {
  readonly algorithm: Algorithm;
  readonly kid: string;
  readonly claims: JsonObject;
  readonly signingInput: Buffer;
  readonly signature: Buffer;
}

/** What clusters sign with (kube-apiserver, and managed ones with keys of their own). */
const algorithms = ["RS256", "RS384", "RS512", "ES256", "ES384", "ES512"] as const;
type Algorithm = (typeof algorithms)[number];

const longest = 8 * 1024;
const part = /^[A-Za-z0-9_-]+$/;
const headerMembers = new Set(["alg", "kid", "typ"]);
const utf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** Undefined unless it is the one canonical spelling. */
function decode(text: string): Buffer | undefined {
  const bytes = part.test(text) ? Buffer.from(text, "base64url") : undefined;
  return bytes?.toString("base64url") === text ? bytes : undefined;
}

function parse(text: string): JsonObject | undefined {
  const bytes = decode(text);
  try {
    const value: unknown = bytes === undefined ? undefined : JSON.parse(utf8.decode(bytes));
    return typeof value === "object" && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined;
  } catch {
    return undefined;
  }
}

function readHeader(text: string): { readonly algorithm: Algorithm; readonly kid: string } | undefined {
  const header = parse(text);
  if (header === undefined || !Object.keys(header).every((name) => headerMembers.has(name))) return undefined;
  const algorithm = algorithms.find((name) => name === header.alg);
  if (algorithm === undefined || typeof header.kid !== "string") return undefined;
  return header.typ === undefined || header.typ === "JWT" ? { algorithm, kid: header.kid } : undefined;
}

/** Undefined = it is no such token; nothing is verified yet. */
export function readToken(token: string): UnverifiedToken | undefined {
  const [head, body, tail, ...rest] = token.length > longest ? [] : token.split(".", 4);
  if (head === undefined || body === undefined || tail === undefined || rest.length > 0) return undefined;
  const [header, claims, signature] = [readHeader(head), parse(body), decode(tail)];
  if (header === undefined || claims === undefined || signature === undefined) return undefined;
  return { ...header, claims, signature, signingInput: Buffer.from(`${head}.${body}`, "latin1") };
}

const curves: Readonly<Record<string, string>> = { ES256: "prime256v1", ES384: "secp384r1", ES512: "secp521r1" };

/** Off the event loop. The key must be of the algorithm's kind, whatever the header says. */
export function hasSignature(
  { algorithm, signingInput, signature }: UnverifiedToken,
  key: KeyObject,
): Promise<boolean> {
  const hash = `sha${algorithm.slice(2)}`;
  const curve = curves[algorithm];
  const fits =
    curve === undefined
      ? key.asymmetricKeyType === "rsa"
      : key.asymmetricKeyType === "ec" && key.asymmetricKeyDetails?.namedCurve === curve;
  if (!fits) return Promise.resolve(false);
  return new Promise((resolve) =>
    verify(hash, signingInput, { key, dsaEncoding: "ieee-p1363" }, signature, (error, right) =>
      resolve(error === null && right),
    ),
  );
}

const subject = /^system:serviceaccount:[a-z0-9-]{1,63}:[a-z0-9.-]{1,253}$/;
const skewSeconds = 60;
/** Tokens for an audience of one's own live an hour by default; those of old, which live for ever, are none. */
const longestLifeSeconds = 86_400;

function isTimely({ iat, nbf = iat, exp }: JsonObject, now: number): boolean {
  if (typeof iat !== "number" || typeof nbf !== "number" || typeof exp !== "number") return false;
  if (![iat, nbf, exp].every(Number.isSafeInteger) || exp - iat > longestLifeSeconds) return false;
  return now < exp && now >= nbf - skewSeconds && now >= iat - skewSeconds;
}

/** What the claims say when they are for this audience and in their time; undefined = they are not. */
export function readEvidence(claims: JsonObject, audience: string, now: Date): WorkloadEvidence | undefined {
  const { iss, aud, sub, exp } = claims;
  const audiences = Array.isArray(aud) ? aud : [aud];
  if (typeof iss !== "string" || typeof sub !== "string" || !subject.test(sub)) return undefined;
  if (!audiences.includes(audience) || !isTimely(claims, now.getTime() / 1_000)) return undefined;
  return { issuer: iss, subject: sub, expiresAt: new Date(Number(exp) * 1_000) };
}
