// The doors: both open or neither, both closed at once, one set of bounds and one rule on proxies for both.
import type { Config } from "./config/schema.ts";
import type { Clock } from "./kernel/clock.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Metrics } from "./kernel/metrics.ts";
import { follows, type ReloadPart } from "./reload.ts";
import type { Chain } from "./rpc/chain.ts";
import { createPlaces } from "./rpc/connections/places.ts";
import { createCallerAddress } from "./rpc/forwarded.ts";
import { openGrpcDoor } from "./rpc/grpc.ts";
import type { HealthReporter } from "./rpc/health/service.ts";
import type { PolicyTable } from "./rpc/policy.ts";
import { connectionBounds, socketFile } from "./settings.ts";
import type { TransportSecurity } from "./tls/ports.ts";

export interface DoorOptions {
  readonly config: Config;
  readonly chain: Chain;
  readonly table: PolicyTable;
  readonly health: HealthReporter;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly metrics: Metrics;
  readonly security: TransportSecurity | undefined;
  /** Takes how to close what was opened. */
  readonly cleanup: AsyncDisposableStack;
}

export interface Doors {
  /** As clients write them, gRPC first. */
  readonly addresses: readonly string[];
  readonly reload: ReloadPart;
}

/** True when no other machine can reach a door. */
export function onLoopback({ grpcListen, webListen }: Pick<Config, "grpcListen" | "webListen">): boolean {
  return grpcListen.loopback && (webListen === "off" || webListen.loopback);
}

/** Throws StartRefused when an address cannot be had. */
export async function openDoors(options: DoorOptions): Promise<Doors> {
  const { config, health, cleanup, ...shared } = options;
  const bounds = connectionBounds(config);
  let inForce = config;
  const callerAddress = createCallerAddress({ trusted: () => inForce.trustedProxies, header: config.forwardedHeader });
  const both = { ...shared, bounds, callerAddress, places: createPlaces(bounds), socketFile: socketFile(config) };
  const open: { readonly address: string; stop(graceMs: number): Promise<void> }[] = [];
  cleanup.defer(async () => void (await Promise.all(open.map((door) => door.stop(config.drainGraceMs)))));
  open.push(await openGrpcDoor({ ...both, listen: config.grpcListen }));
  if (config.webListen !== "off") {
    const { openWebDoor } = await import("./rpc/web.ts");
    const cors = {
      get origins() {
        return inForce.corsOrigins;
      },
      get credentials() {
        return inForce.corsCredentials;
      },
    };
    const oauth = { issuer: config.jwtIssuer, url: config.webUrl, certificates: config.tlsClientAuth !== "off" };
    open.push(await openWebDoor({ ...both, cors, oauth, listen: config.webListen, health: health.all }));
  }
  return {
    addresses: open.map(({ address }) => address),
    reload: follows((next) => {
      inForce = next;
    }),
  };
}
