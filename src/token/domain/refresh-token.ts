// The text of a refresh token: what names its place in a session, and a MAC that nobody without the key can make. It is
// derived, never stored: honest racers get the same successor, and a stolen database holds none.

/** The n-th refresh token of a session. */
export interface RefreshTokenName {
  /** UUID. */
  readonly sessionId: string;
  readonly number: number;
}

/** What a refresh token says, before its MAC is checked. */
export interface RefreshTokenText extends RefreshTokenName {
  /** Picks the key of the MAC, which for that reason need not cover it. */
  readonly keyVersion: number;
  readonly mac: Buffer;
}

export const refreshTokenPrefix = "ghr_";

const macLength = 32;
const uuidLength = 16;
const nameLength = uuidLength + 4;
const length = macLength + nameLength + 2;
// 54 bytes are 72 characters with no bit to spare, so each token has exactly one spelling.
const shape = new RegExp(`^${refreshTokenPrefix}([A-Za-z0-9_-]{${(length / 3) * 4}})$`);

function formatUuid(bytes: Buffer): string {
  const hex = bytes.toString("hex");
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

/** What the MAC covers. */
export function refreshTokenNameBytes({ sessionId, number }: RefreshTokenName): Buffer {
  const bytes = Buffer.alloc(nameLength);
  bytes.write(sessionId.replaceAll("-", ""), "hex");
  bytes.writeUInt32BE(number, uuidLength);
  return bytes;
}

/** The MAC stands first, so that tokens made at the same time do not look alike. */
export function writeRefreshToken(token: RefreshTokenText): string {
  const bytes = Buffer.alloc(length);
  bytes.set(token.mac);
  bytes.set(refreshTokenNameBytes(token), macLength);
  bytes.writeUInt16BE(token.keyVersion, macLength + nameLength);
  return refreshTokenPrefix + bytes.toString("base64url");
}

/** Undefined when `text` has not the form of a refresh token. */
export function readRefreshToken(text: string): RefreshTokenText | undefined {
  const encoded = shape.exec(text)?.[1];
  if (encoded === undefined) return undefined;
  const bytes = Buffer.from(encoded, "base64url");
  return {
    sessionId: formatUuid(bytes.subarray(macLength, macLength + uuidLength)),
    number: bytes.readUInt32BE(macLength + uuidLength),
    keyVersion: bytes.readUInt16BE(macLength + nameLength),
    mac: bytes.subarray(0, macLength),
  };
}
