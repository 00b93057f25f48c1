// From the table of settings to what each part asks for.

import type { ClientBounds } from "./auth/domain/client-rules.ts";
import type { AuthSettings } from "./auth/slice.ts";
import type { Config } from "./config/schema.ts";
import { Secret } from "./kernel/secret.ts";
import type { SigningKeyTimes } from "./keys/signing/states.ts";
import { type ConnectionBounds, usualBounds } from "./rpc/connections/bounds.ts";
import type { SocketFile } from "./rpc/connections/socket-file.ts";
import type { ConcurrencySettings } from "./rpc/limits/concurrency.ts";
import type { PressureSettings } from "./rpc/limits/pressure.ts";
import type { LimitSettings, Rates } from "./rpc/limits/settings.ts";
import type { SecretsSettings } from "./secrets/slice.ts";
import type { NamedFile } from "./tls/files.ts";
import { clockSkewMs, type TokenSettings } from "./token/settings.ts";
import type { LoginSettings } from "./vault/login.ts";
import type { VaultSettings } from "./vault/open.ts";

function clientBounds(config: Config): ClientBounds {
  const { accessTokenLifetimeMs, refreshTokenLifetimeMs, audience: ownAudience, jwtAudience, jwtAlgorithm } = config;
  const hmacAudience = jwtAlgorithm === "HS256" ? jwtAudience : undefined;
  return { accessTokenLifetimeMs, refreshTokenLifetimeMs, ownAudience, hmacAudience };
}

export function authSettings(config: Config): AuthSettings {
  const { registration, passwordMinLength, loginLanes, loginQueue, loginNiceness, dataDir } = config;
  const argon2 = {
    memoryKib: config.argon2MemoryKib,
    iterations: config.argon2Iterations,
    parallelism: config.argon2Parallelism,
  };
  const lanes = { argon2, loginLanes, loginQueue, loginNiceness };
  return { registration, passwordMinLength, ...lanes, dataDir, clients: clientBounds(config) };
}

export function tokenSettings(config: Config): TokenSettings {
  const { accessTokenLifetimeMs, refreshTokenLifetimeMs, refreshGraceMs, sessionIdleMs, sessionAbsoluteMs } = config;
  const key = config.jwtAlgorithm === "HS256" ? config.jwtSecretKey : undefined;
  return {
    issuer: config.jwtIssuer,
    ownAudience: config.audience,
    defaultAudience: config.jwtAudience,
    accessTokenLifetimeMs,
    refreshTokenLifetimeMs,
    refreshGraceMs,
    sessionIdleMs,
    sessionAbsoluteMs,
    foreignHmacKey:
      key === undefined ? undefined : { audience: config.jwtAudience, key: new Secret(Buffer.from(key.expose())) },
    dpop: { origins: config.dpopOrigins, nonce: config.dpopNonce === "required" },
  };
}

export function signingKeyTimes(config: Config): SigningKeyTimes {
  const { signingKeyRotationMs: rotationMs, signingKeyLeadMs: leadMs, accessTokenLifetimeMs } = config;
  // Signed by a clock that is slow, checked by one that is slow.
  return { rotationMs, leadMs, tokenLifeMs: accessTokenLifetimeMs + 2 * clockSkewMs };
}

export function secretsSettings(config: Config): SecretsSettings {
  return { maxSecretBytes: config.maxSecretBytes };
}

export function rates(config: Config): Rates {
  return {
    login: config.limitLogin,
    tokenCheck: config.limitTokenCheck,
    read: config.limitRead,
    write: config.limitWrite,
  };
}

export function limitSettings(config: Config): LimitSettings {
  const { limitOverrides, limitShadow, limitShared, limitExempt } = config;
  return {
    rates: rates(config),
    overrides: limitOverrides ?? new Map(),
    shadow: limitShadow,
    shared: limitShared,
    exempt: limitExempt.contains,
  };
}

export function concurrencySettings(config: Config): ConcurrencySettings {
  return { callsPerCaller: config.maxRunningCallsPerCaller, streamsPerCaller: config.maxStreamsPerCaller };
}

export function pressureSettings(config: Config): PressureSettings {
  return { lagMs: config.overloadLagMs, maxRunning: config.maxRunningCalls };
}

export function deadlines(config: Config) {
  return { defaultMs: config.deadlineDefaultMs, maxMs: config.deadlineMaxMs };
}

export function connectionBounds(config: Config): ConnectionBounds {
  const { maxConnections, maxConnectionsPerAddress, maxStreams, maxMetadataBytes } = config;
  const { handshakeMs, firstCallMs, requestMs, answerMs } = config;
  const { connectionIdleMs: idleMs, connectionAgeMs: ageMs } = config;
  return {
    ...usualBounds,
    maxConnections,
    maxConnectionsPerAddress,
    maxStreams,
    maxMetadataBytes,
    handshakeMs,
    firstCallMs,
    idleMs,
    ageMs,
    requestMs,
    answerMs,
  };
}

export function socketFile({ socketMode: mode, socketGroup: group }: Config): SocketFile {
  return { mode, group };
}

function vaultLogin(config: Config): LoginSettings {
  const { vaultAuth, vaultToken, vaultTokenFile, vaultRoleId, vaultSecretIdFile, vaultRole, vaultJwtFile } = config;
  const mount = config.vaultAuthMount ?? vaultAuth;
  const file = (setting: string, path = ""): NamedFile => ({ setting, path });
  if (vaultAuth === "kubernetes")
    return {
      method: "kubernetes",
      mount,
      role: vaultRole ?? "",
      jwtFile: file("GATEHOUSE_VAULT_JWT_FILE", vaultJwtFile),
    };
  if (vaultAuth === "approle") {
    const secretIdFile = file("GATEHOUSE_VAULT_SECRET_ID_FILE", vaultSecretIdFile);
    return { method: "approle", mount, roleId: vaultRoleId ?? "", secretIdFile };
  }
  return { method: "token", from: vaultToken ?? file("GATEHOUSE_VAULT_TOKEN_FILE", vaultTokenFile) };
}

/** For `keys=vault`, whose contradictions see to it that nothing lacks. */
export function vaultSettings(config: Config): VaultSettings {
  const { vaultAddress = "", vaultCaFile, vaultNamespace: namespace, vaultTimeoutMs: timeoutMs } = config;
  const caFile = vaultCaFile === undefined ? undefined : { setting: "VAULT_CACERT", path: vaultCaFile };
  return { address: vaultAddress, caFile, namespace, timeoutMs, login: vaultLogin(config) };
}
