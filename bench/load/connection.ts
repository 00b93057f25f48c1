// One HTTP/2 connection that keeps a number of calls in flight. A call counts as answered when a message came before the
// end of its stream; errors come without one (Trailers-Only).
import { connect, type Socket } from "node:net";
import { connectionStart, flag, frame, frameHeaderBytes, frameType } from "./frames.ts";

export type Target = { readonly port: number } | { readonly path: string };

export interface Request {
  readonly bytes: Buffer;
  readonly streamIdAt: readonly [number, number];
}

export interface Answer {
  readonly ok: boolean;
  readonly tookMs: number;
  /** The message without its prefix; empty unless asked to keep it. */
  readonly message: Buffer;
}

export interface LoadConnection {
  /** Resolves when all calls have been answered and the socket is closed. */
  readonly done: Promise<void>;
  /** No further calls; those in flight are awaited. */
  finish(): void;
}

interface Flight {
  readonly sentAt: number;
  readonly slot: number;
  chunks: Buffer[];
  answered: boolean;
}

export interface LoadOptions {
  readonly target: Target;
  readonly inFlight: number;
  readonly keepMessages: boolean;
  /** The next call of a slot, or undefined when the slot has done its work. */
  readonly next: (slot: number) => Request | undefined;
  readonly onAnswer: (slot: number, answer: Answer) => void;
}

export function openLoadConnection(options: LoadOptions): LoadConnection {
  const socket: Socket = connect(
    "port" in options.target ? { port: options.target.port, host: "127.0.0.1" } : options.target,
  );
  socket.setNoDelay(true);
  const flights = new Map<number, Flight>();
  let pending: Buffer = Buffer.alloc(0);
  let nextStream = 1;
  let finishing = false;
  let received = 0;
  const { promise, resolve, reject } = Promise.withResolvers<void>();

  function send(slot: number): void {
    const request = finishing ? undefined : options.next(slot);
    if (request === undefined) {
      if (flights.size === 0) socket.end();
      return;
    }
    const bytes = Buffer.from(request.bytes);
    for (const at of request.streamIdAt) bytes.writeUInt32BE(nextStream, at);
    flights.set(nextStream, { sentAt: performance.now(), slot, chunks: [], answered: false });
    nextStream += 2;
    socket.write(bytes);
  }

  function close(streamId: number, flight: Flight, ok: boolean): void {
    flights.delete(streamId);
    const message = options.keepMessages ? Buffer.concat(flight.chunks).subarray(5) : Buffer.alloc(0);
    options.onAnswer(flight.slot, { ok, tookMs: performance.now() - flight.sentAt, message });
    send(flight.slot);
  }

  function takeData(flight: Flight | undefined, payload: Buffer): void {
    received += payload.length;
    if (received > 1 << 20) {
      const window = Buffer.alloc(4);
      window.writeUInt32BE(received);
      received = 0;
      socket.write(frame(frameType.windowUpdate, 0, 0, window));
    }
    if (flight === undefined || payload.length === 0) return;
    flight.answered = true;
    if (options.keepMessages) flight.chunks.push(Buffer.from(payload));
  }

  function take(type: number, flags: number, streamId: number, payload: Buffer): void {
    const flight = flights.get(streamId);
    if (type === frameType.data) takeData(flight, payload);
    if (type === frameType.settings && !(flags & flag.ack))
      socket.write(frame(frameType.settings, flag.ack, 0, Buffer.alloc(0)));
    if (type === frameType.ping && !(flags & flag.ack)) socket.write(frame(frameType.ping, flag.ack, 0, payload));
    if (flight === undefined) return;
    if (type === frameType.rstStream) close(streamId, flight, false);
    else if ((type === frameType.headers || type === frameType.data) && flags & flag.endStream)
      close(streamId, flight, flight.answered);
  }

  socket.on("connect", () => {
    socket.write(connectionStart());
    for (let slot = 0; slot < options.inFlight; slot += 1) send(slot);
  });
  socket.on("data", (chunk: Buffer) => {
    pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
    let at = 0;
    socket.cork();
    while (pending.length - at >= frameHeaderBytes) {
      const length = pending.readUIntBE(at, 3);
      const end = at + frameHeaderBytes + length;
      if (pending.length < end) break;
      take(
        pending[at + 3] ?? 0,
        pending[at + 4] ?? 0,
        pending.readUInt32BE(at + 5) & 0x7fffffff,
        pending.subarray(at + frameHeaderBytes, end),
      );
      at = end;
    }
    socket.uncork();
    pending = pending.subarray(at);
  });
  socket.on("error", reject);
  socket.on("close", () =>
    flights.size === 0 ? resolve() : reject(new Error("the server closed the connection with calls in flight")),
  );
  return {
    done: promise,
    finish() {
      finishing = true;
      if (flights.size === 0) socket.end();
    },
  };
}
