// A real gRPC door over scripted handlers, and a client that sends whatever bytes and headers a test wants, frame by frame.
import { type ClientHttp2Session, connect, type IncomingHttpHeaders, type OutgoingHttpHeaders } from "node:http2";
import { create, type DescMethod, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { systemClock } from "../../src/kernel/clock.ts";
import { type GrpcDoor, type ListenAddress, openGrpcDoor } from "../../src/rpc/grpc.ts";
import { createFakeChain, type FakeChain, type FakeChainOptions } from "../fakes/chain.ts";
import { readStatus } from "../fakes/status.ts";

export interface TestDoor extends FakeChain {
  readonly door: GrpcDoor;
  /** Closes the client's session and the door. */
  close(): Promise<void>;
  readonly session: ClientHttp2Session;
}

const loopback: ListenAddress = { kind: "tcp", host: "127.0.0.1", port: 0 };

/** For doors whose calls name no deadline: on a busy machine the usual one may pass under a test that is about something else. */
export const patientDeadline = { defaultMs: 60_000, maxMs: 60_000 } as const;

/** For what comes as soon as the machine has time for it. */
export const inItsTime = { timeout: 30_000 } as const;

export async function openTestDoor(options: FakeChainOptions & { listen?: ListenAddress } = {}): Promise<TestDoor> {
  const { clock = systemClock, listen = loopback } = options;
  const fake = createFakeChain({ deadline: patientDeadline, ...options, clock });
  const door = await openGrpcDoor({ ...fake, clock, listen });
  const session = connect(`http://${door.address}`);
  session.on("error", () => {});
  return {
    ...fake,
    door,
    session,
    close: async () => {
      session.destroy();
      await door.stop(0);
    },
  };
}

export const pathOf = (method: DescMethod) => `/${method.parent.typeName}/${method.name}`;

/** A message in its gRPC frame. */
export function frame(bytes: Uint8Array, compressed = 0): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt8(compressed, 0);
  head.writeUInt32BE(bytes.byteLength, 1);
  return Buffer.concat([head, bytes]);
}

export function framed<M extends DescMethod>(method: M, request: MessageInitShape<M["input"]>): Buffer {
  return frame(toBinary(method.input, create(method.input, request as never)));
}

export interface RawAnswer {
  /** Undefined when the stream was reset before any answer. */
  readonly headers: IncomingHttpHeaders | undefined;
  /** True when the first HEADERS frame ended the stream: Trailers-Only, in the words of gRPC. */
  readonly trailersOnly: boolean;
  readonly trailers: IncomingHttpHeaders | undefined;
  readonly body: Buffer;
  /** HTTP/2 error code that the stream was closed with. */
  readonly reset: number;
  /** `grpc-status`, from wherever it came. */
  readonly code: number | undefined;
  readonly status: ReturnType<typeof readStatus> | undefined;
}

const endStream = 0x1;

export const grpcHeaders = (path: string): OutgoingHttpHeaders => ({
  ":method": "POST",
  ":path": path,
  te: "trailers",
  "content-type": "application/grpc",
});

function answerOf(parts: Omit<RawAnswer, "code" | "status">): RawAnswer {
  const last = { ...parts.headers, ...parts.trailers };
  const code = last["grpc-status"];
  const details = last["grpc-status-details-bin"];
  return {
    ...parts,
    code: code === undefined ? undefined : Number(code),
    status: typeof details === "string" ? readStatus(Buffer.from(details, "base64")) : undefined,
  };
}

/** One stream: headers as given (an array is sent as it is, doubled keys and all), then the body, then END_STREAM. */
export function send(
  session: ClientHttp2Session,
  headers: OutgoingHttpHeaders | readonly string[],
  body: Uint8Array | undefined,
  act: (stream: ReturnType<ClientHttp2Session["request"]>) => void = () => {},
): Promise<RawAnswer> {
  return new Promise((resolve) => {
    const stream = session.request(headers as OutgoingHttpHeaders, { endStream: body === undefined });
    let first: IncomingHttpHeaders | undefined;
    let trailers: IncomingHttpHeaders | undefined;
    let trailersOnly = false;
    const chunks: Buffer[] = [];
    stream.on("response", (received, flags) => {
      first = received;
      trailersOnly = (flags & endStream) !== 0;
    });
    stream.on("trailers", (received) => {
      trailers = received;
    });
    stream.on("data", (chunk: Buffer) => chunks.push(chunk));
    stream.on("error", () => {});
    stream.on("close", () =>
      resolve(
        answerOf({ headers: first, trailersOnly, trailers, body: Buffer.concat(chunks), reset: stream.rstCode ?? 0 }),
      ),
    );
    if (body !== undefined) stream.end(body);
    act(stream);
  });
}

/** A well-formed unary call with metadata of its own. */
export function call<M extends DescMethod>(
  { session }: Pick<TestDoor, "session">,
  method: M,
  request: MessageInitShape<M["input"]>,
  metadata: OutgoingHttpHeaders = {},
): Promise<RawAnswer> {
  return send(session, { ...grpcHeaders(pathOf(method)), ...metadata }, framed(method, request));
}
