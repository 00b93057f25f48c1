// A real web door over scripted handlers, and clients of HTTP/1.1, HTTP/2 and of bare bytes.
import { type Agent, request as httpRequest, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http";
import { type ClientHttp2Session, connect as connectHttp2 } from "node:http2";
import { connect } from "node:net";
import type { DescMethod } from "@bufbuild/protobuf";
import { systemClock } from "../../src/kernel/clock.ts";
import { GatehouseError } from "../../src/kernel/errors.ts";
import { createHealth, type HealthReporter } from "../../src/rpc/health/service.ts";
import { openWebDoor, type WebDoor, type WebDoorDeps } from "../../src/rpc/web.ts";
import { createFakeChain, type FakeChain, type FakeChainOptions } from "../fakes/chain.ts";
import { pathOf, patientDeadline } from "./door.ts";

export interface TestWebDoor extends FakeChain {
  readonly door: WebDoor;
  readonly health: HealthReporter;
  readonly port: number;
  close(): Promise<void>;
}

type DoorOptions = FakeChainOptions &
  Partial<Pick<WebDoorDeps, "cors" | "oauth" | "callerAddress" | "bounds" | "listen" | "security">>;

export async function openTestWebDoor(options: DoorOptions = {}): Promise<TestWebDoor> {
  const health = createHealth({ unknownService: () => new GatehouseError("SERVICE_UNKNOWN") });
  const usual = { clock: systemClock, deadline: patientDeadline };
  const fake = createFakeChain({ ...usual, ...options, more: [...(options.more ?? []), health.binding] });
  const { cors = { origins: new Set<string>(), credentials: false }, listen } = options;
  const { oauth = { issuer: "https://id.example", url: "https://id.example", certificates: false } } = options;
  const door = await openWebDoor({
    ...options,
    ...fake,
    cors,
    oauth,
    clock: systemClock,
    listen: listen ?? { kind: "tcp", host: "127.0.0.1", port: 0 },
    health: health.all,
  });
  return {
    ...fake,
    door,
    health,
    port: Number(/:(\d+)$/.exec(door.address)?.[1] ?? 0),
    close: () => door.stop(0),
  };
}

export interface WebAnswer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
  /** The body as JSON; undefined when it is none. */
  readonly json: WebJson | undefined;
}

export interface WebJson {
  readonly [name: string]: unknown;
  readonly code?: string;
  readonly message?: string;
  readonly details?: readonly { readonly type: string; readonly value: string; readonly debug?: unknown }[];
}

function jsonOf(body: Buffer): WebJson | undefined {
  try {
    return JSON.parse(body.toString()) as WebJson;
  } catch {
    return undefined;
  }
}

export interface Asked {
  readonly method?: string;
  readonly headers?: OutgoingHttpHeaders | readonly string[];
  readonly body?: string | Uint8Array;
  /** Undefined = a connection of its own, closed after the answer. */
  readonly agent?: Agent;
}

/** One request of its own connection, over HTTP/1.1. */
export function ask({ port }: Pick<TestWebDoor, "port">, path: string, asked: Asked = {}): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const { method = "GET", headers = {}, body, agent = false } = asked;
    const request = httpRequest(
      { port, host: "127.0.0.1", path, method, headers: headers as OutgoingHttpHeaders, agent },
      (response) => {
        const chunks: Buffer[] = [];
        response.on("data", (chunk: Buffer) => chunks.push(chunk));
        response.on("end", () => {
          const whole = Buffer.concat(chunks);
          resolve({
            status: response.statusCode ?? 0,
            headers: response.headers,
            body: whole,
            json: jsonOf(whole),
          });
        });
        response.on("error", reject);
      },
    );
    request.on("error", reject);
    request.end(body);
  });
}

/** The same over HTTP/2 with prior knowledge, on a session of the test's own. */
export function askHttp2(
  session: ClientHttp2Session,
  path: string,
  { method = "GET", headers = {}, body }: Omit<Asked, "headers"> & { readonly headers?: OutgoingHttpHeaders } = {},
): Promise<WebAnswer> {
  return new Promise((resolve, reject) => {
    const stream = session.request({ ":method": method, ":path": path, ...headers });
    const chunks: Buffer[] = [];
    let received: IncomingHttpHeaders = {};
    stream.on("response", (head) => {
      received = head as IncomingHttpHeaders;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", reject);
    stream.on("end", () => {
      const whole = Buffer.concat(chunks);
      resolve({ status: Number(received[":status"]), headers: received, body: whole, json: jsonOf(whole) });
    });
    stream.end(body);
  });
}

export function sessionOf({ port }: Pick<TestWebDoor, "port">): ClientHttp2Session {
  const session = connectHttp2(`http://127.0.0.1:${port}`);
  session.on("error", () => {});
  return session;
}

/** Sends bytes as they are and reads until the server hangs up. */
export function sendBytes({ port }: Pick<TestWebDoor, "port">, bytes: string | Uint8Array): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, "127.0.0.1");
    const chunks: Buffer[] = [];
    socket.on("data", (chunk: Buffer) => chunks.push(chunk));
    socket.on("error", () => {});
    socket.on("close", () => resolve(Buffer.concat(chunks).toString()));
    socket.write(bytes);
  });
}

/** A call in Connect's JSON form. */
export function callJson(
  door: Pick<TestWebDoor, "port">,
  method: DescMethod,
  request: unknown,
  headers: OutgoingHttpHeaders = {},
): Promise<WebAnswer> {
  return ask(door, pathOf(method), {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: typeof request === "string" ? request : JSON.stringify(request),
  });
}

interface ErrorInfo {
  readonly reason: string;
  readonly metadata: Readonly<Record<string, string>>;
}

/** The ErrorInfo that every error carries. */
export function reasonOf({ json }: WebAnswer): string | undefined {
  const detail = json?.details?.find(({ type }) => type === "google.rpc.ErrorInfo");
  return (detail?.debug as ErrorInfo | undefined)?.reason;
}

export interface Envelope {
  readonly flags: number;
  readonly bytes: Buffer;
}

export function envelopesIn(body: Buffer): readonly Envelope[] {
  const found: Envelope[] = [];
  for (let at = 0; at < body.length; ) {
    const length = body.readUInt32BE(at + 1);
    found.push({ flags: body.readUInt8(at), bytes: body.subarray(at + 5, at + 5 + length) });
    at += 5 + length;
  }
  return found;
}

/** The fields of gRPC-Web's trailers. */
export function trailersIn(body: Buffer): Readonly<Record<string, string>> {
  const last = envelopesIn(body).at(-1);
  const lines = (last?.bytes.toString() ?? "").split("\r\n").filter((line) => line !== "");
  return Object.fromEntries(lines.map((line) => [line.split(": ")[0], line.slice(line.indexOf(": ") + 2)]));
}
