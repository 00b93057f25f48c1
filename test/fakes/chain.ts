// The real chain with its real steps over fakes of everything behind it.
import {
  create,
  type DescMethod,
  fromBinary,
  type MessageInitShape,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import type { Clock } from "../../src/kernel/clock.ts";
import type { PeerCertificate, ServiceBinding } from "../../src/kernel/handler.ts";
import { noLines } from "../../src/kernel/logger.ts";
import { type Metrics, noMetrics } from "../../src/kernel/metrics.ts";
import { everywhere } from "../../src/kernel/networks.ts";
import type { Authenticator } from "../../src/kernel/ports.ts";
import { type Chain, type ChainDeps, createChain, type Failure, type Reply } from "../../src/rpc/chain.ts";
import type { Incoming } from "../../src/rpc/exchange.ts";
import type { Rates } from "../../src/rpc/limits/settings.ts";
import { createPolicyTable, type MethodEntry } from "../../src/rpc/policy.ts";
import { createGuessCount } from "../../src/rpc/steps/limit.ts";
import { createSteps, type StepDeps } from "../../src/rpc/steps.ts";
import { createMessageValidator } from "../../src/rpc/validation.ts";
import { createFakeRecorder } from "./audit-recorder.ts";
import { createFakeAuthenticator, type KnownTokens } from "./authenticator.ts";
import { createFakeLimiting, type FakeLimitingOptions, noRates } from "./limits.ts";
import { createFakeLogger } from "./logger.ts";
import { createFakeRequestRecords } from "./request-records.ts";
import { type Script, scriptedServices } from "./scripted-services.ts";
import { createFakeUnitOfWork } from "./unit-of-work.ts";

export interface FakeChainOptions {
  readonly script?: Script;
  readonly more?: readonly ServiceBinding[];
  readonly tokens?: KnownTokens;
  readonly authenticator?: Authenticator;
  readonly workloads?: StepDeps["workloads"];
  readonly clients?: StepDeps["clients"];
  readonly rates?: Rates;
  readonly limiting?: Omit<FakeLimitingOptions, "table" | "logger" | "metrics">;
  readonly clock?: Clock;
  readonly deadline?: StepDeps["deadline"];
  readonly access?: StepDeps["access"];
  readonly log?: Partial<StepDeps["log"]>;
  readonly metrics?: Metrics;
  /** Real ones, where a test is about what Postgres does. */
  readonly behind?: Pick<ChainDeps, "unitOfWork" | "records">;
}

export const noon = new Date("2026-11-21T12:00:00.000Z");

export function createFakeChain(options: FakeChainOptions = {}) {
  const recorder = createFakeRecorder();
  const logger = createFakeLogger();
  const unitOfWork = createFakeUnitOfWork();
  const records = options.behind?.records ?? createFakeRequestRecords();
  const table = createPolicyTable([...scriptedServices(options.script), ...(options.more ?? [])]);
  const { metrics = noMetrics, rates = noRates } = options;
  const settings = { rates, ...options.limiting?.settings };
  const limiting = createFakeLimiting({ table, logger, metrics, ...options.limiting, settings });
  const steps = createSteps({
    logger,
    log: { calls: "all", lines: noLines, tracer: undefined, ...options.log },
    metrics,
    recorder,
    records,
    table,
    authenticator: options.authenticator ?? createFakeAuthenticator(options.tokens ?? {}),
    workloads: options.workloads,
    clients: options.clients,
    validator: createMessageValidator(),
    ...limiting,
    access: options.access ?? { stepUpAgeMs: undefined, secondFactor: false, adminNetworks: () => everywhere },
    deadline: options.deadline ?? { defaultMs: 5_000, maxMs: 60_000 },
  });
  const chain = createChain({
    steps,
    clock: options.clock ?? { now: () => noon },
    unitOfWork,
    records,
    countGuess: createGuessCount({ ...limiting, logger }),
    ...options.behind,
  });
  return { chain, table, steps, recorder, logger, unitOfWork, records, ...limiting };
}

export type FakeChain = ReturnType<typeof createFakeChain>;

export function incomingOf(
  options: {
    readonly metadata?: Readonly<Record<string, readonly string[]>>;
    readonly address?: string;
    readonly certificate?: PeerCertificate;
    readonly client?: Incoming["client"];
    readonly deadline?: number;
    readonly onCancel?: Incoming["onCancel"];
  } = {},
): Incoming {
  return {
    protocol: "grpc",
    metadata: (key) => options.metadata?.[key] ?? [],
    peer: { address: options.address ?? "192.0.2.1", userAgent: "test", certificate: options.certificate },
    client: options.client,
    deadline: options.deadline,
    onCancel: options.onCancel ?? (() => {}),
  };
}

export const bearing = (token: string) => ({ authorization: [`Bearer ${token}`] });

export type Answer<M extends DescMethod> =
  | { readonly answer: MessageShape<M["output"]> }
  | { readonly failure: Failure };

async function* only(body: Uint8Array) {
  yield body;
}

/** The first message of a stream, or how it ended without one. */
async function firstOf(chain: Chain, entry: MethodEntry, incoming: Incoming, body: Uint8Array): Promise<Reply> {
  const stream = chain.stream(entry, incoming, only(body));
  const { value } = await stream.next();
  await stream.return(undefined);
  if (value instanceof Uint8Array) return { bytes: value };
  return value === undefined ? { bytes: new Uint8Array(0) } : { failure: value };
}

/** One call through the chain, as a door would make it; of a stream, its first message. */
export async function callThrough<M extends DescMethod>(
  { chain, table }: Pick<FakeChain, "chain" | "table">,
  method: M,
  request: MessageInitShape<M["input"]>,
  incoming: Incoming,
): Promise<Answer<M>> {
  const entry = table.get(`/${method.parent.typeName}/${method.name}`);
  if (entry === undefined) throw new TypeError("no such method is served");
  const body = toBinary(method.input, create(method.input, request as never));
  const reply = await (method.methodKind === "unary"
    ? chain.unary(entry, incoming, body)
    : firstOf(chain, entry, incoming, body));
  return "failure" in reply ? reply : { answer: fromBinary(method.output, reply.bytes) as MessageShape<M["output"]> };
}
