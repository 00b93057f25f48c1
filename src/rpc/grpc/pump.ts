// Writes the answers of a stream as fast as its reader takes them, and no longer than it may take.
import { constants } from "node:http2";
import type { ServerDuplexStream, ServerWritableStream } from "@grpc/grpc-js";
import type { Chain, Failure } from "../chain.ts";
import { smallAnswerBytes } from "../connections/bounds.ts";
import { answersUnread, type Unread } from "../connections/unread.ts";
import type { DoorCall } from "./door-call.ts";
import { statusOf } from "./library.ts";

export type ResponseStream = ServerWritableStream<Buffer, Buffer> | ServerDuplexStream<Buffer, Buffer>;

export function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

/** Until `arrange`'s listener is called, or the caller has gone; a reader that takes too long is sent away. */
function taken(
  stream: ResponseStream,
  call: DoorCall,
  answerMs: number,
  arrange: (done: () => void) => void,
): Promise<void> {
  return new Promise((resolve) => {
    const timer = setTimeout(() => call.stream.close(constants.NGHTTP2_CANCEL), answerMs);
    const done = (): void => {
      clearTimeout(timer);
      stream.off("drain", done).off("cancelled", done);
      resolve();
    };
    stream.on("cancelled", done);
    arrange(done);
  });
}

export type Pump = (
  stream: ResponseStream,
  call: DoorCall,
  answers: AsyncGenerator<Uint8Array, Failure | undefined>,
) => Promise<void>;

export interface PumpDeps {
  readonly chain: Pick<Chain, "failure">;
  readonly answerMs: number;
  readonly unread: Unread;
}

export function createPump({ chain, answerMs, unread }: PumpDeps): Pump {
  /** False when there is no room. grpc-js lets sixteen answers wait, so it is asked about each large one. */
  async function writeLarge(stream: ResponseStream, call: DoorCall, bytes: Buffer): Promise<boolean> {
    const read = unread.keep(call.connection, bytes.byteLength);
    if (read === undefined) return false;
    await taken(stream, call, answerMs, (done) => stream.write(bytes, done)).finally(read);
    return true;
  }

  async function write(stream: ResponseStream, call: DoorCall, bytes: Buffer): Promise<boolean> {
    if (bytes.byteLength > smallAnswerBytes) return writeLarge(stream, call, bytes);
    if (!stream.write(bytes)) await taken(stream, call, answerMs, (done) => stream.on("drain", done));
    return true;
  }

  return async (stream, call, answers) => {
    let next = await answers.next();
    while (!next.done) {
      const room = !stream.cancelled && (await write(stream, call, asBuffer(next.value)));
      if (!room) {
        await answers.return(undefined);
        if (!stream.cancelled) stream.emit("error", statusOf(chain.failure(answersUnread())));
        return;
      }
      next = await answers.next();
    }
    if (next.value === undefined) stream.end();
    else stream.emit("error", statusOf(next.value));
  };
}
