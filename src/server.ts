// The composition root: config -> adapters -> slices -> chain -> door. Nothing is decided here but who gets what.
import { readFile } from "node:fs/promises";
import type { Config } from "./config/schema.ts";
import { type Foundation, layFoundation } from "./foundation.ts";
import { startSweeps } from "./jobs/sweeps.ts";
import type { Clock } from "./kernel/clock.ts";
import type { FeedEvent } from "./kernel/database.ts";
import { GatehouseError } from "./kernel/errors.ts";
import type { ServiceBinding } from "./kernel/handler.ts";
import type { Logger } from "./kernel/logger.ts";
import type { Authenticator } from "./kernel/ports.ts";
import { refuseLocalKeysBeyondLoopback } from "./keys/local/master-key.ts";
import { collectExpired, createFeedTail } from "./postgres/feed.ts";
import { createChain } from "./rpc/chain.ts";
import { openGrpcDoor } from "./rpc/grpc.ts";
import { createHealth } from "./rpc/health/service.ts";
import { createPolicyTable } from "./rpc/policy.ts";
import { createReflection } from "./rpc/reflection/service.ts";
import { createRequestRecords, requestRecordSweep } from "./rpc/request-records/records.ts";
import { createSteps } from "./rpc/steps.ts";
import { createMessageValidator } from "./rpc/validation.ts";
import { deadlines, rates } from "./settings.ts";
import { createSlices, type Slices } from "./slices.ts";

export interface ServerOptions {
  readonly config: Config;
  readonly logger: Logger;
  readonly clock: Clock;
}

export interface RunningServer {
  readonly ready: {
    readonly addresses: readonly string[];
    readonly dataDir: string;
    readonly bootstrapTokenPath?: string;
  };
  /** NOT_SERVING first, then calls in flight finish, then records are flushed, then the database stops. */
  stop(): Promise<void>;
}

const descriptors = new URL("../gen/descriptors.binpb", import.meta.url);
const feedSweepMs = 60_000;

function createRpc(
  foundation: Foundation,
  bindings: readonly ServiceBinding[],
  authenticator: Authenticator,
  { config, clock, logger }: ServerOptions,
) {
  const { database, keys, audit, unitOfWork } = foundation;
  const records = createRequestRecords({ reader: database.reader, sealer: keys.sealer, macs: keys.macs });
  const table = createPolicyTable(bindings);
  const { recorder } = audit;
  const steps = createSteps({
    logger,
    recorder,
    authenticator,
    records,
    validator: createMessageValidator(),
    table,
    rates: rates(config),
    deadline: deadlines(config),
  });
  return { table, chain: createChain({ steps, clock, unitOfWork, records }) };
}

function standardServices(slices: readonly ServiceBinding[]) {
  const health = createHealth({ unknownService: () => new GatehouseError("SERVICE_UNKNOWN") });
  const bindings: ServiceBinding[] = [...slices, health.binding];
  const services = () => bindings.map(({ service }) => service.typeName);
  bindings.push(...createReflection({ services, readDescriptors: () => readFile(descriptors) }));
  return { health, bindings };
}

function sweepsOf({ auth, token }: Slices, { database }: Foundation) {
  const feedSweep = {
    name: "feed",
    everyMs: feedSweepMs,
    run: async (now: Date) => void (await collectExpired(database.writer, now)),
  };
  return [...auth.sweeps, ...token.sweeps, feedSweep, requestRecordSweep(database.writer)];
}

async function serve(options: ServerOptions, cleanup: AsyncDisposableStack): Promise<RunningServer["ready"]> {
  const { config, clock, logger } = options;
  let hear: (events: readonly FeedEvent[]) => void = () => {};
  const onEvents = (events: readonly FeedEvent[]) => hear(events);
  const foundation = await layFoundation({ ...options, onCommitted: onEvents, cleanup });
  refuseLocalKeysBeyondLoopback(config.grpcListen.loopback, foundation.keys.masterKeyIsExternal);

  const feed = createFeedTail({ reader: foundation.database.reader, clock, logger, onEvents });
  const slices = createSlices(foundation, feed, options);
  cleanup.defer(() => slices.auth.close());
  hear = (events) => {
    slices.token.onFeed(events);
    slices.auth.onFeed(events);
  };
  await feed.start();
  cleanup.defer(() => feed.stop());
  const sweeps = startSweeps({ sweeps: sweepsOf(slices, foundation), clock, logger });
  cleanup.defer(() => sweeps.stop());

  const { audit, auth, token, secrets } = slices;
  const { health, bindings } = standardServices([
    ...auth.bindings,
    ...token.bindings,
    ...secrets.bindings,
    ...audit.bindings,
  ]);
  const { table, chain } = createRpc(foundation, bindings, token.authenticator, options);
  const bootstrapTokenPath = await auth.ensureBootstrapToken(clock.now());
  const door = await openGrpcDoor({ chain, table, listen: config.grpcListen });
  cleanup.defer(() => door.stop(config.drainGraceMs));
  cleanup.defer(() => health.shutdown());
  for (const { service } of bindings) health.set(service.typeName, "SERVING");
  health.set("", "SERVING");
  return {
    addresses: [door.address],
    dataDir: config.dataDir,
    ...(bootstrapTokenPath === undefined ? {} : { bootstrapTokenPath }),
  };
}

/** Throws StartRefused; whatever was started by then is stopped again. */
export async function startServer(options: ServerOptions): Promise<RunningServer> {
  const cleanup = new AsyncDisposableStack();
  try {
    const ready = await serve(options, cleanup);
    return { ready, stop: () => cleanup.disposeAsync() };
  } catch (error) {
    await cleanup.disposeAsync();
    throw error;
  }
}
