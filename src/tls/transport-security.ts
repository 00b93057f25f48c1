// Transport security of both doors: reads the files, serves them to the listening servers, and reads them again when they
// change. New connections get the new ones; what streams on the old ones goes on (NET-05).
import type { SecureContextOptions, Server } from "node:tls";
import type { Clock } from "../kernel/clock.ts";
import type { Logger } from "../kernel/logger.ts";
import type { Metrics } from "../kernel/metrics.ts";
import type { PreparedReload } from "../kernel/reload.ts";
import { StartRefused } from "../kernel/start-refused.ts";
import { type Clients, createClients, handshakeTimeoutMs } from "./clients.ts";
import { stateOfFiles } from "./files.ts";
import { createHandshakes } from "./handshakes.ts";
import { filesOf, type Material, readMaterial, type TlsSettings } from "./material.ts";
import { createTlsMeters, overdueAt } from "./meters.ts";
import type { ReloadOutcome, TransportSecurityControl } from "./ports.ts";

export interface TransportSecurityDeps {
  readonly settings: TlsSettings;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  /** Puts what changes on record; when it rejects nothing changes, and the next look tries again. Undefined = there is no trail. */
  readonly record?: (changed: readonly string[]) => Promise<void>;
}

const soonMs = 14 * 86_400_000;
const nothing: PreparedReload = { changed: [], apply: () => {} };

/** Calls `tick` again and again, never twice at once. */
function every(ms: number, tick: () => Promise<unknown>): () => void {
  let timer: NodeJS.Timeout | undefined;
  let stopped = false;
  const schedule = (): void => {
    if (stopped) return;
    timer = setTimeout(() => void tick().finally(schedule), ms);
    timer.unref();
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}

interface Store {
  readonly current: () => Material;
  onChange(listener: (context: SecureContextOptions) => void): () => void;
  prepare(): Promise<PreparedReload>;
}

function createStore(deps: TransportSecurityDeps, first: Material, clients: () => Clients): Store {
  const { settings, clock, logger } = deps;
  const listeners = new Set<(context: SecureContextOptions) => void>();
  let current = first;
  function put(next: Material): void {
    current = next;
    for (const listener of listeners) listener(next.context);
    const ended = clients().sweep();
    logger.info({ not_after: next.notAfter, connections_ended: ended }, "the TLS files were read again");
  }
  return {
    current: () => current,
    onChange(listener) {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async prepare() {
      const next = await readMaterial(settings, clock.now());
      return next.digest === current.digest ? nothing : { changed: ["tls"], apply: () => put(next) };
    },
  };
}

function warnOfExpiry({ logger, clock, settings }: TransportSecurityDeps, { notAfter }: Material): void {
  if (notAfter.getTime() - clock.now().getTime() > soonMs) return;
  logger.warn({ not_after: notAfter }, `${settings.certificate.path} of ${settings.certificate.setting} expires soon`);
}

/** Says it once for each set of files. */
function createOverdueTeller({ clock, logger }: TransportSecurityDeps, current: () => Material): () => void {
  let told: Material | undefined;
  return () => {
    const material = current();
    if (told === material || !overdueAt(material).some((at) => at <= clock.now().getTime())) return;
    told = material;
    logger.error({}, "a list of revoked certificates is overdue: the clients of its authority are refused");
  };
}

/** Throws StartRefused with one sentence about the first file that is wrong. */
export async function openTransportSecurity(deps: TransportSecurityDeps): Promise<TransportSecurityControl> {
  const { settings, clock, logger, metrics } = deps;
  const files = filesOf(settings);
  // Asked before reading: what is written meanwhile is read again.
  let seen = await stateOfFiles(files);
  const first = await readMaterial(settings, clock.now());
  warnOfExpiry(deps, first);
  const store: Store = createStore(deps, first, () => clients);
  const clients = createClients({ clock, trustDomain: settings.trustDomain, trust: () => store.current().trust });
  const handshakes = createHandshakes({ clients, metrics });
  const reloads = createTlsMeters(metrics, store.current);

  async function reload(): Promise<ReloadOutcome> {
    seen = await stateOfFiles(files);
    try {
      const { changed, apply } = await store.prepare();
      if (changed.length === 0) return "unchanged";
      await deps.record?.(changed);
      apply();
      reloads.changed.add();
      return "changed";
    } catch (error) {
      reloads.kept.add();
      const wrong = error instanceof StartRefused;
      // Not the fault of the files, so they are looked at again without having changed.
      if (!wrong) seen = "";
      const reason = wrong ? error.message : "the change could not be put on record";
      logger.error({ err: error, reason }, "the changed TLS files are wrong, so the earlier ones stay in force");
      return "kept";
    }
  }

  const tellOfOverdueLists = createOverdueTeller(deps, store.current);
  const stop = every(settings.reloadMs, async () => {
    clients.sweep();
    tellOfOverdueLists();
    if ((await stateOfFiles(files)) !== seen) await reload();
  });
  const { clientAuth } = settings;
  return {
    get options() {
      return {
        ...store.current().context,
        requestCert: clientAuth !== "off",
        // Without a certificate the handshake itself fails only when one is required; a bad one is cut off by `guard`.
        rejectUnauthorized: clientAuth === "required",
        handshakeTimeout: handshakeTimeoutMs,
      };
    },
    guard(server: Server) {
      handshakes.guard(server);
      return store.onChange((context) => server.setSecureContext(context));
    },
    onChange: store.onChange,
    identify: clients.identify,
    requireLive: clients.requireLive,
    async prepare() {
      const { changed, apply } = await store.prepare();
      // A look may have taken newer files while this was put on record, so the next one reads them once more.
      const applyAndLook = () => {
        seen = "";
        apply();
      };
      return { changed, apply: changed.length === 0 ? apply : applyAndLook };
    },
    reload,
    close: stop,
  };
}
