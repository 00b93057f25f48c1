// Transport security as the settings ask for it. Without a certificate none of its code is loaded.
import type { Config } from "./config/schema.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Metrics } from "./kernel/metrics.ts";
import type { WorkloadBindings, WorkloadIdentities } from "./kernel/ports.ts";
import { systemRecord } from "./kernel/system-record.ts";
import type { UnitOfWork } from "./kernel/unit-of-work.ts";
import type { ReloadPart } from "./reload.ts";
import type { TlsSettings } from "./tls/material.ts";
import type { TransportSecurityControl } from "./tls/ports.ts";

export interface TransportOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly unitOfWork: UnitOfWork;
  readonly cleanup: AsyncDisposableStack;
}

export interface Transport {
  readonly security: TransportSecurityControl;
  readonly workloads: WorkloadIdentities;
}

function named(setting: string, path: string): TlsSettings["certificate"];
function named(setting: string, path: string | undefined): TlsSettings["revoked"];
function named(setting: string, path: string | undefined) {
  return path === undefined ? undefined : { setting, path };
}

/** Undefined = the doors speak plaintext. */
function tlsSettings(config: Config): TlsSettings | undefined {
  const { tlsCertificateFile: certificate, tlsKeyFile: key } = config;
  if (certificate === undefined || key === undefined) return undefined;
  return {
    certificate: named("GATEHOUSE_TLS_CERT_FILE", certificate),
    key: named("GATEHOUSE_TLS_KEY_FILE", key),
    clientAuth: config.tlsClientAuth,
    clientAuthorities: named("GATEHOUSE_TLS_CLIENT_CA_FILE", config.tlsClientCaFile),
    revoked: named("GATEHOUSE_TLS_CRL_FILE", config.tlsCrlFile),
    minVersion: config.tlsMinVersion === "1.3" ? "TLSv1.3" : "TLSv1.2",
    trustDomain: config.spiffeTrustDomain,
    reloadMs: config.tlsReloadMs,
  };
}

/** Throws StartRefused with one sentence about the first file that is wrong. Undefined = the doors speak plaintext. */
export async function openTransport(
  options: TransportOptions,
  bindings: WorkloadBindings,
): Promise<Transport | undefined> {
  const { config, clock, logger, metrics, unitOfWork, cleanup } = options;
  const settings = tlsSettings(config);
  if (settings === undefined) return undefined;
  const [{ openTransportSecurity }, { createWorkloads }] = await Promise.all([
    import("./tls/transport-security.ts"),
    import("./tls/workloads.ts"),
  ]);
  const record = (changed: readonly string[]) => {
    const details = { changed: [...changed] };
    return unitOfWork.commit(systemRecord({ event: "config.reloaded", now: clock.now(), details }), async () => {});
  };
  const security = await openTransportSecurity({ settings, clock, logger, metrics, record });
  cleanup.defer(() => security.close());
  return { security, workloads: createWorkloads({ bindings, security }) };
}

/** For SIGHUP. */
export function reloadOf(transport: Transport | undefined): ReloadPart {
  return { prepare: async () => (await transport?.security.prepare()) ?? { changed: [], apply: () => {} } };
}
