// Traces and metrics of a real server, as a collector receives them; and a collector that is down, slow or in pieces.
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { Client, credentials, Metadata } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type Environment, type GatehouseProcess, startGatehouse } from "../server/gatehouse-process.ts";
import { bootstrap, clientOf, type Installation, makeInstallation, visitorOf } from "../server/installation.ts";
import { until } from "./scrape.ts";

interface Attribute {
  readonly key: string;
  readonly value: { readonly stringValue?: string };
}
interface Span {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId?: string;
  readonly traceState?: string;
  readonly name: string;
  readonly kind: number;
  readonly attributes: readonly Attribute[];
  readonly events?: readonly unknown[];
  readonly status: { readonly code?: number; readonly message?: string };
}
interface Metric {
  readonly name: string;
  readonly unit?: string;
  readonly histogram?: { readonly dataPoints: readonly { readonly attributes: readonly Attribute[] }[] };
}

const serverKind = 2;
const errorStatus = 2;
const parent = "b7ad6b7169203331";

function attributesOf(attributes: readonly Attribute[]): Record<string, string | undefined> {
  return Object.fromEntries(attributes.map(({ key, value }) => [key, value.stringValue]));
}

let collector: Server;
let endpoint: string;
let installation: Installation;
let server: GatehouseProcess;
let accessToken: string;
const spans: Span[] = [];
const metrics: Metric[] = [];
const keys = new Set<unknown>();
const instances = new Set<unknown>();

async function listen(handle: Parameters<typeof createServer>[1]): Promise<Server> {
  const made = createServer(handle as never);
  await new Promise<void>((resolve) => made.listen(0, "127.0.0.1", resolve));
  return made;
}

const addressOf = (listening: Server) => `http://127.0.0.1:${(listening.address() as AddressInfo).port}`;

function noteInstance({ resource }: { readonly resource: { readonly attributes: readonly Attribute[] } }): void {
  instances.add(attributesOf(resource.attributes)["service.instance.id"]);
}

function keep(path: string | undefined, text: string): void {
  const body = JSON.parse(text);
  for (const one of [...(body.resourceSpans ?? []), ...(body.resourceMetrics ?? [])]) noteInstance(one);
  if (path === "/v1/traces")
    for (const { scopeSpans } of body.resourceSpans) for (const scope of scopeSpans) spans.push(...scope.spans);
  if (path === "/v1/metrics")
    for (const { scopeMetrics } of body.resourceMetrics)
      for (const scope of scopeMetrics) metrics.push(...scope.metrics);
}

const watched = (): Environment => ({
  OTEL_EXPORTER_OTLP_ENDPOINT: endpoint,
  OTEL_EXPORTER_OTLP_HEADERS: "x-api-key=key-1",
  GATEHOUSE_TRACE_RATIO: "0",
  GATEHOUSE_OTLP_INTERVAL: "1s",
  GATEHOUSE_WEB_LISTEN: "127.0.0.1:0",
});

beforeAll(async () => {
  collector = await listen(async (request, response) => {
    let text = "";
    for await (const chunk of request.setEncoding("utf8")) text += chunk;
    keys.add(request.headers["x-api-key"]);
    keep(request.url, text);
    response.writeHead(200, { "content-type": "application/json" }).end("{}");
  });
  endpoint = addressOf(collector);
  installation = await makeInstallation();
  server = await startGatehouse({ ...installation.environment, ...watched() });
  accessToken = (await bootstrap(installation.dataDir, visitorOf(server))).tokens.accessToken;
});
afterAll(async () => {
  await server?.stop();
  collector.closeAllConnections();
  collector.close();
  await installation[Symbol.asyncDispose]();
});

/** An empty request, by hand: the trace's header is what the test is about. */
function call(path: string, more: Record<string, string>): Promise<number> {
  const client = new Client(server.address, credentials.createInsecure());
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(more)) metadata.set(name, value);
  const identity = (bytes: Buffer) => bytes;
  return new Promise((resolve) => {
    client.makeUnaryRequest(path, identity, identity, Buffer.alloc(0), metadata, (error) => {
      client.close();
      resolve(error?.code ?? 0);
    });
  });
}

const traceOf = (first: string) => first.repeat(32);
const whoAmI = "/gatehouse.auth.v1.AuthService/WhoAmI";
const bearer = () => ({ authorization: `Bearer ${accessToken}` });

/** The trace's spans, once the one that ends last has come. */
const trace = (id: string): Promise<readonly Span[]> =>
  until(() => {
    const own = spans.filter(({ traceId }) => traceId === id);
    return own.some(({ kind }) => kind === serverKind) ? own : undefined;
  });

describe("a trace", () => {
  it("has the call under the caller's span, by the conventions for RPC", async () => {
    const id = traceOf("a");
    await call(whoAmI, { ...bearer(), traceparent: `00-${id}-${parent}-01`, tracestate: "vendor=1" });
    const span = (await trace(id)).find(({ kind }) => kind === serverKind);
    expect(span).toMatchObject({
      name: "gatehouse.auth.v1.AuthService/WhoAmI",
      kind: serverKind,
      parentSpanId: parent,
      traceState: "vendor=1",
    });
    expect(attributesOf(span?.attributes ?? [])).toEqual({
      "rpc.system.name": "grpc",
      "rpc.method": "gatehouse.auth.v1.AuthService/WhoAmI",
      "rpc.response.status_code": "OK",
    });
    expect(keys).toEqual(new Set(["key-1"]));
  });

  it("takes a refusal for what it is: no error of ours", async () => {
    const id = traceOf("b");
    expect(await call(whoAmI, { authorization: "Bearer canary-9f1e", traceparent: `00-${id}-${parent}-01` })).toBe(16);
    const own = await trace(id);
    const span = own.find(({ kind }) => kind === serverKind);
    expect(attributesOf(span?.attributes ?? [])["rpc.response.status_code"]).toBe("UNAUTHENTICATED");
    expect(span?.status.code).not.toBe(errorStatus);
    expect(own.map(({ name }) => name)).toContain("audit record");
    expect(JSON.stringify(own)).not.toContain("canary");
  });

  it("has what the call spent its time on below it", async () => {
    const id = traceOf("c");
    const list = "/gatehouse.auth.v1.SessionService/ListSessions";
    expect(await call(list, { ...bearer(), traceparent: `00-${id}-${parent}-01` })).toBe(0);
    const own = await trace(id);
    const served = own.find(({ kind }) => kind === serverKind);
    const read = own.find(({ name }) => name === "postgres read");
    expect(read?.parentSpanId).toBe(served?.spanId);
    expect(attributesOf(read?.attributes ?? [])).toEqual({ "db.system.name": "postgresql" });
  });

  it("covers the web door, and keeps calls that run at once apart", async () => {
    const web = server.output().stdout.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0] ?? "";
    const ids = ["1", "2", "3", "4", "5", "6"].map(traceOf);
    const answers = await Promise.all(
      ids.map((id) =>
        fetch(`${web}/gatehouse.auth.v1.SessionService/ListSessions`, {
          method: "POST",
          headers: { ...bearer(), "content-type": "application/json", traceparent: `00-${id}-${parent}-01` },
          body: "{}",
        }),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual(ids.map(() => 200));
    for (const id of ids) {
      const own = await trace(id);
      const served = own.filter(({ kind }) => kind === serverKind);
      expect(served.map(({ attributes }) => attributesOf(attributes)["rpc.system.name"])).toEqual(["connectrpc"]);
      for (const span of own.filter(({ kind }) => kind !== serverKind))
        expect(span.parentSpanId).toBe(served[0]?.spanId);
    }
  });

  it("is not recorded when the caller says no, when nobody asked at a ratio of 0, and for a forged header", async () => {
    const before = spans.length;
    await call(whoAmI, { ...bearer(), traceparent: `00-${traceOf("d")}-${parent}-00` });
    await call(whoAmI, bearer());
    await call(whoAmI, { ...bearer(), traceparent: `00-${traceOf("0")}-${parent}-01` });
    const last = traceOf("e");
    await call(whoAmI, { ...bearer(), traceparent: `00-${last}-${parent}-01` });
    await trace(last);
    expect(spans.slice(before).map(({ traceId }) => traceId)).toEqual([last]);
  });

  it("is named by the log line of its call", async () => {
    const id = traceOf("f");
    await call(whoAmI, { traceparent: `00-${id}-${parent}-00` });
    const line = await until(() =>
      server
        .output()
        .stderr.split("\n")
        .find((one) => one.includes(id)),
    );
    expect(JSON.parse(line)).toMatchObject({ trace_id: id, code: "UNAUTHENTICATED", message: "call refused" });
  });
});

describe("J-08 M-08 exported metrics", () => {
  it("say which process they come from, and so do spans, so that replicas are added up", async () => {
    await until(() => metrics[0]);
    expect([...instances]).toEqual([expect.stringMatching(/^[0-9a-f-]{36}$/)]);
  });

  it("have the conventions' names and attributes", async () => {
    const duration = await until(() => metrics.find(({ name }) => name === "rpc.server.call.duration"));
    expect(duration.unit).toBe("s");
    expect(attributesOf(duration.histogram?.dataPoints[0]?.attributes ?? [])).toMatchObject({
      "rpc.system.name": "grpc",
      "rpc.response.status_code": "OK",
    });
    const gauge = await until(() => metrics.find(({ name }) => name === "gatehouse_dependency_up"));
    // "1" would become `gatehouse_dependency_up_ratio` in Prometheus.
    expect(gauge.unit ?? "").toBe("");
    // Not with the first export, when that was before the first login.
    await until(() => metrics.find(({ name }) => name === "gatehouse_tokens_issued_total"));
  });
});

describe("a collector that", () => {
  async function callsPass(more: Environment): Promise<string> {
    await server.stop();
    server = await startGatehouse({ ...installation.environment, ...watched(), GATEHOUSE_TRACE_RATIO: "1", ...more });
    const client = clientOf(server, accessToken);
    for (let round = 0; round < 50; round++) await client.auth.whoAmI({});
    const stopping = performance.now();
    const { code, stderr } = await server.stop();
    expect(code).toBe(0);
    expect(performance.now() - stopping).toBeLessThan(20_000);
    return stderr;
  }

  it("is not there stops no call, and the log says so once", async () => {
    const gone = await listen(() => {});
    const address = addressOf(gone);
    await new Promise((resolve) => gone.close(resolve));
    const stderr = await callsPass({ OTEL_EXPORTER_OTLP_ENDPOINT: address });
    expect(stderr.split("collector does not take").length - 1).toBe(1);
    expect(stderr).not.toContain("key-1");
  });

  it("never answers stops no call and holds up no end", async () => {
    const silent = await listen(() => {});
    await callsPass({ OTEL_EXPORTER_OTLP_ENDPOINT: addressOf(silent) });
    silent.closeAllConnections();
    silent.close();
  });
});
