// A client that is closed when its test is over, and tokens to script with.
import { timestampFromMs } from "@bufbuild/protobuf/wkt";
import { onTestFinished } from "vitest";
import type { Gatehouse } from "../src/core/gatehouse.ts";
import { createGatehouse, type GatehouseOptions } from "../src/create-gatehouse.ts";
import type { Tokens } from "../src/credentials/tokens.ts";
import type { ScriptedServer } from "./scripted-server.ts";

/** Beside busy processes a call may take longer than the default, where that is not what a test is about. */
export const patientMs = 30_000;

export function connect(server: Pick<ScriptedServer, "address">, options: Partial<GatehouseOptions> = {}): Gatehouse {
  const client = createGatehouse({
    address: server.address,
    deadlineMs: patientMs,
    retry: { initialBackoffMs: 1, maxBackoffMs: 5 },
    ...options,
  });
  onTestFinished(() => client.close());
  return client;
}

/** The nth pair of tokens of a session, as the wire has it. */
export function tokenSet(n: number, expiresAt: number) {
  return {
    accessToken: `access-${n}`,
    accessTokenExpireTime: timestampFromMs(expiresAt),
    refreshToken: `refresh-${n}`,
    refreshTokenExpireTime: timestampFromMs(expiresAt + 1_000_000),
    sessionId: "ses_1",
  };
}

/** The same, as it is stored. */
export function storedTokens(n: number, expiresAt: number): Tokens {
  return {
    accessToken: `access-${n}`,
    accessTokenExpiresAt: new Date(expiresAt).toISOString(),
    refreshToken: `refresh-${n}`,
    refreshTokenExpiresAt: new Date(expiresAt + 1_000_000).toISOString(),
    sessionId: "ses_1",
  };
}
