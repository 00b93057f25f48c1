// Access tokens that only their audience can read: a signed token inside a JWE (RFC 7516, RFC 7519 section 5.2). Never compressed, and
// never under a password (RFC 8725 section 3.6). Nothing here decrypts: no encrypted token is ever taken in.
import {
  type CipherGCM,
  constants,
  createCipheriv,
  createHash,
  createPublicKey,
  diffieHellman,
  generateKeyPairSync,
  type KeyObject,
  publicEncrypt,
  randomBytes,
} from "node:crypto";

/** Public JWK with `alg` and `kid`, as it was checked when it was stored. */
export type EncryptionKey = Readonly<Record<string, string>>;

interface ContentKey {
  readonly key: Buffer;
  /** Empty when the key is agreed upon and not sent. */
  readonly encrypted: Buffer;
  readonly header: object;
}

const contentAlgorithm = "A256GCM";
const keyBytes = 32;

function uint32(value: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
}

function withLength(text: string): Buffer {
  return Buffer.concat([uint32(Buffer.byteLength(text)), Buffer.from(text)]);
}

/** RFC 7518 section 4.6.2: one round of the Concat KDF, which 256 bits need. */
function derive(secret: Buffer, algorithm: string): Buffer {
  const info = [withLength(algorithm), withLength(""), withLength(""), uint32(keyBytes * 8)];
  return createHash("sha256").update(uint32(1)).update(secret).update(Buffer.concat(info)).digest();
}

/** RFC 3394. */
function wrap(key: Buffer, wrappingKey: Buffer): Buffer {
  const cipher = createCipheriv("id-aes256-wrap", wrappingKey, Buffer.alloc(8, 0xa6));
  return Buffer.concat([cipher.update(key), cipher.final()]);
}

function agree(recipient: KeyObject, algorithm: string): ContentKey {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const { kty, crv, x, y } = publicKey.export({ format: "jwk" });
  const header = { epk: { kty, crv, x, y } };
  const secret = diffieHellman({ privateKey, publicKey: recipient });
  if (algorithm === "ECDH-ES") return { key: derive(secret, contentAlgorithm), encrypted: Buffer.alloc(0), header };
  const key = randomBytes(keyBytes);
  return { key, encrypted: wrap(key, derive(secret, algorithm)), header };
}

function transport(recipient: KeyObject): ContentKey {
  const key = randomBytes(keyBytes);
  const padding = constants.RSA_PKCS1_OAEP_PADDING;
  return { key, encrypted: publicEncrypt({ key: recipient, padding, oaepHash: "sha256" }, key), header: {} };
}

function contentKey({ alg = "", kid: _kid, use: _use, ...members }: EncryptionKey): ContentKey {
  const recipient = createPublicKey({ key: members, format: "jwk" });
  if (alg === "RSA-OAEP-256") return transport(recipient);
  if (alg === "ECDH-ES" || alg === "ECDH-ES+A256KW") return agree(recipient, alg);
  throw new TypeError("an encryption key is stored with an algorithm that is not served");
}

/** The compact form of a JWE whose content is the signed token. */
export function encryptToken(signed: string, recipient: EncryptionKey): string {
  const { key, encrypted, header } = contentKey(recipient);
  const { alg, kid } = recipient;
  const protectedHeader = Buffer.from(JSON.stringify({ alg, enc: contentAlgorithm, kid, cty: "JWT", ...header }));
  const head = protectedHeader.toString("base64url");
  const iv = randomBytes(12);
  const cipher: CipherGCM = createCipheriv("aes-256-gcm", key, iv);
  cipher.setAAD(Buffer.from(head, "latin1"));
  const content = Buffer.concat([cipher.update(signed, "latin1"), cipher.final()]);
  const parts = [encrypted, iv, content, cipher.getAuthTag()].map((part) => part.toString("base64url"));
  return [head, ...parts].join(".");
}
