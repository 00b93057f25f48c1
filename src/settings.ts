// From the table of settings to what each part asks for.

import type { AuthSettings } from "./auth/slice.ts";
import type { Config } from "./config/schema.ts";
import { Secret } from "./kernel/secret.ts";
import { type ConnectionBounds, usualBounds } from "./rpc/connections/bounds.ts";
import type { SocketFile } from "./rpc/connections/socket-file.ts";
import type { ConcurrencySettings } from "./rpc/limits/concurrency.ts";
import type { PressureSettings } from "./rpc/limits/pressure.ts";
import type { LimitSettings, Rates } from "./rpc/limits/settings.ts";
import type { SecretsSettings } from "./secrets/slice.ts";
import type { TokenSettings } from "./token/settings.ts";

export function authSettings(config: Config): AuthSettings {
  const { registration, passwordMinLength, loginLanes, loginQueue, dataDir } = config;
  const argon2 = {
    memoryKib: config.argon2MemoryKib,
    iterations: config.argon2Iterations,
    parallelism: config.argon2Parallelism,
  };
  return { registration, passwordMinLength, argon2, loginLanes, loginQueue, dataDir };
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
  };
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
