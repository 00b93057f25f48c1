// The composition root: config -> adapters -> slices -> chain -> door. Nothing is decided here but who gets what.
import { createAccess } from "./access.ts";
import type { Config } from "./config/schema.ts";
import { onLoopback, openDoors } from "./doors.ts";
import { type Foundation, layFoundation } from "./foundation.ts";
import { createRpc } from "./gate.ts";
import { watchHealth } from "./health-watch.ts";
import { startSweeps } from "./jobs/sweeps.ts";
import type { Clock } from "./kernel/clock.ts";
import type { FeedEvent } from "./kernel/database.ts";
import type { LineSink, Logger } from "./kernel/logger.ts";
import { refuseLocalKeysBeyondLoopback } from "./keys/local/master-key.ts";
import { collectExpired, createFeedTail } from "./postgres/feed.ts";
import { createReload, follows, type Reload, type ReloadPart } from "./reload.ts";
import { limitCellSweep } from "./rpc/limits/store.ts";
import { requestRecordSweep } from "./rpc/request-records/records.ts";
import { createSlices, type Slices } from "./slices.ts";
import { addStandardServices } from "./standard-services.ts";
import { openTelemetry } from "./telemetry.ts";
import { openTransport, reloadOf } from "./transport-security.ts";
import { openWorkloadIssuers } from "./workload-issuers.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly lines: LineSink;
  readonly setLogLevel: (level: Config["logLevel"]) => void;
  readonly clock: Clock;
}

export interface RunningServer {
  readonly ready: {
    readonly addresses: readonly string[];
    readonly dataDir: string;
    readonly bootstrapTokenPath?: string;
  };
  /** SIGHUP: new settings and files, all or nothing. */
  readonly reload: Reload["take"];
  /** NOT_SERVING first, then calls in flight finish, then records are flushed, then the database stops. */
  stop(): Promise<void>;
}

const feedSweepMs = 60_000;

function sweepsOf({ auth, token }: Slices, { database, keys }: Foundation) {
  const feedSweep = {
    name: "feed",
    everyMs: feedSweepMs,
    run: async (now: Date) => void (await collectExpired(database.writer, now)),
  };
  return [
    ...auth.sweeps,
    ...token.sweeps,
    ...keys.sweeps,
    feedSweep,
    requestRecordSweep(database.writer),
    limitCellSweep(database.writer),
  ];
}

async function serve(given: ServerOptions, cleanup: AsyncDisposableStack): Promise<Omit<RunningServer, "stop">> {
  const { config, clock, logger } = given;
  const options = { ...given, telemetry: await openTelemetry({ ...given, cleanup }) };
  let hear: (events: readonly FeedEvent[]) => void = () => {};
  const onEvents = (events: readonly FeedEvent[]) => hear(events);
  const foundation = await layFoundation({ ...options, onCommitted: onEvents, cleanup });
  refuseLocalKeysBeyondLoopback(onLoopback(config), foundation.keys.masterKeyIsExternal);

  const access = createAccess(config);
  const feed = createFeedTail({ reader: foundation.database.reader, clock, logger, onEvents });
  const issuers = await openWorkloadIssuers(config, logger);
  const slices = createSlices(foundation, feed, { ...options, access: access.conditions, issuers });
  cleanup.defer(() => slices.auth.close());
  hear = (events) => {
    foundation.keys.onFeed(events);
    slices.token.onFeed(events);
    slices.auth.onFeed(events);
  };
  await feed.start();
  cleanup.defer(() => feed.stop());
  const hints = foundation.database.listen(feed.hint);
  cleanup.defer(() => hints.stop());
  const sweeps = startSweeps({ sweeps: sweepsOf(slices, foundation), clock, logger });
  cleanup.defer(() => sweeps.stop());

  const { audit, auth, token, secrets } = slices;
  const ours = [...auth.bindings, ...token.bindings, ...secrets.bindings, ...audit.bindings];
  const { health, bindings } = addStandardServices(ours, config);
  const { metrics } = options.telemetry;
  foundation.keys.measure(metrics);
  const transport = await openTransport({ ...options, ...foundation, metrics, cleanup }, slices.machines.workloads);
  const { table, chain, limits, dependencies } = await createRpc(foundation, bindings, token.authenticator, {
    ...options,
    access: access.conditions,
    possession: token.possession,
    workloads: transport?.workloads,
    clients: slices.callingClients,
    cleanup,
  });
  const bootstrapTokenPath = await auth.ensureBootstrapToken(clock.now());
  const security = transport?.security;
  const doors = await openDoors({ ...options, chain, table, health, metrics, security, cleanup });
  cleanup.defer(() => {
    health.shutdown();
    token.drain();
  });
  const watch = watchHealth({ ...options, bindings, health, feed, dependencies, vault: foundation.vault?.watch() });
  cleanup.defer(() => watch.stop());
  const reloadParts: ReloadPart[] = [
    follows(({ logLevel }) => options.setLogLevel(logLevel)),
    access.reload,
    limits,
    reloadOf(transport),
    doors.reload,
  ];
  const reload = createReload({ config, parts: reloadParts, unitOfWork: foundation.unitOfWork, clock, logger });
  cleanup.defer(() => reload.stop());
  const ready = {
    addresses: doors.addresses,
    dataDir: config.dataDir,
    ...(bootstrapTokenPath === undefined ? {} : { bootstrapTokenPath }),
  };
  return { ready, reload: reload.take };
}

/** Throws StartRefused; whatever was started by then is stopped again. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const cleanup = new AsyncDisposableStack();
  try {
    const served = await serve(options, cleanup);
    return { ...served, stop: () => cleanup.disposeAsync() };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}
