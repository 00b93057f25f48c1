// Makes and checks refresh tokens with the installation's key.
import type { Macs } from "../kernel/sealing.ts";
import {
  type RefreshTokenName,
  readRefreshToken,
  refreshTokenNameBytes,
  writeRefreshToken,
} from "./domain/refresh-token.ts";

export interface RefreshToken extends RefreshTokenName {
  readonly keyVersion: number;
}

export interface RefreshTokens {
  /** Under the key in force, or as it was made under `keyVersion`: the same name and key give the same text. */
  write(name: RefreshTokenName, keyVersion?: number): { readonly text: string; readonly keyVersion: number };
  /** Undefined when this installation did not make it. */
  read(text: string): RefreshToken | undefined;
}

const purpose = "refresh-token";

export function createRefreshTokens(macs: Macs): RefreshTokens {
  return {
    write({ sessionId, number }, keyVersion) {
      const mac = macs.mac(purpose, [refreshTokenNameBytes({ sessionId, number })], keyVersion);
      const text = writeRefreshToken({ sessionId, number, keyVersion: mac.version, mac: mac.value });
      return { text, keyVersion: mac.version };
    },
    read(text) {
      const found = readRefreshToken(text);
      if (found === undefined) return undefined;
      const { sessionId, number, keyVersion, mac } = found;
      const genuine = macs.matches(purpose, [refreshTokenNameBytes(found)], { version: keyVersion, value: mac });
      return genuine ? { sessionId, number, keyVersion } : undefined;
    },
  };
}
