// A server of its own with our transport security, and clients that shake hands with it.
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { type ConnectionOptions, connect, createServer, type Server, type TLSSocket } from "node:tls";
import type { Clock } from "../../../src/kernel/clock.ts";
import { noMetrics } from "../../../src/kernel/metrics.ts";
import type { ClientAuth, TlsSettings } from "../../../src/tls/material.ts";
import { openTransportSecurity } from "../../../src/tls/transport-security.ts";
import { createFakeLogger } from "../../fakes/logger.ts";
import { type Authority, certificateFiles, type Leaf, makeAuthority, makeLeaf } from "../../fixtures/certificates.ts";

export interface WorldOptions {
  readonly clientAuth?: ClientAuth;
  readonly minVersion?: TlsSettings["minVersion"];
  readonly crl?: (authority: Authority) => Promise<string>;
  readonly trustDomain?: string;
  readonly clock?: Clock;
  readonly reloadMs?: number;
  readonly record?: (changed: readonly string[]) => Promise<void>;
}

export type Greeting =
  | { readonly ok: true; readonly said: string; readonly socket: TLSSocket }
  | { readonly ok: false; readonly code: string };

export async function openWorld(options: WorldOptions = {}) {
  const files = await certificateFiles();
  const authority = await makeAuthority();
  const own = await makeLeaf(authority, { dns: ["localhost"], ips: ["127.0.0.1"], uses: ["server"] });
  const clientAuth = options.clientAuth ?? "off";
  const named = (setting: string, path: string) => ({ setting, path });
  const settings: TlsSettings = {
    certificate: named("GATEHOUSE_TLS_CERT_FILE", await files.write("server.pem", own.pem)),
    key: named("GATEHOUSE_TLS_KEY_FILE", await files.write("server.key", own.key)),
    clientAuth,
    clientAuthorities:
      clientAuth === "off"
        ? undefined
        : named("GATEHOUSE_TLS_CLIENT_CA_FILE", await files.write("ca.pem", authority.pem)),
    revoked:
      options.crl === undefined
        ? undefined
        : named("GATEHOUSE_TLS_CRL_FILE", await files.write("crl.pem", await options.crl(authority))),
    minVersion: options.minVersion ?? "TLSv1.2",
    trustDomain: options.trustDomain,
    // The tests say when to look, unless they are about the looking.
    reloadMs: options.reloadMs ?? 3_600_000,
  };
  const logger = createFakeLogger();
  const clock = options.clock ?? { now: () => new Date() };
  const security = await openTransportSecurity({
    settings,
    clock,
    logger,
    metrics: noMetrics,
    record: options.record ?? (async () => {}),
  });
  const server: Server = createServer(security.options);
  // Tells each client who it is, so that a test sees the server's view.
  server.on("secureConnection", (socket) => {
    socket.on("error", () => {});
    const certificate = security.identify(socket);
    socket.write(`${JSON.stringify(certificate ?? null)}\n`);
  });
  security.guard(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  const sockets = new Set<TLSSocket>();

  /** Shakes hands and reads what the server says of us. */
  async function greet(client?: Leaf, more: ConnectionOptions = {}): Promise<Greeting> {
    const shown = client === undefined ? {} : { cert: client.pem, key: client.key };
    const socket = connect({ host: "127.0.0.1", port, ca: authority.pem, servername: "localhost", ...shown, ...more });
    sockets.add(socket);
    return new Promise((resolve) => {
      socket.once("error", (error: NodeJS.ErrnoException) => resolve({ ok: false, code: error.code ?? "" }));
      socket.once("close", () => resolve({ ok: false, code: "closed" }));
      socket.once("data", (data) => resolve({ ok: true, said: String(data), socket }));
    });
  }

  return {
    authority,
    security,
    settings,
    files,
    logger,
    server,
    port,
    greet,
    async [Symbol.asyncDispose]() {
      security.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await files[Symbol.asyncDispose]();
    },
  };
}

export type World = Awaited<ReturnType<typeof openWorld>>;
