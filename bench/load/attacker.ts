// Somebody who means harm, in a process of his own: floods of frames that cost him little, each until he is hung up on,
// then the next, for as long as he is asked to.
import { connect, type Socket } from "node:net";
import { setPriority } from "node:os";
import { answerParent } from "../process.ts";
import { connectionStart, flag, frame, frameType, requestHeaders } from "./frames.ts";

export interface AttackJob {
  readonly port: number;
  readonly durationMs: number;
}

// On a machine of his own he would not take the processors of whoever is measured.
setPriority(19);

const lump = 200;
const path = "/gatehouse.auth.v1.AuthService/WhoAmI";
const headers = requestHeaders(path, undefined);
const four = (value: number): Buffer => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(value);
  return bytes;
};
const opened = (id: number): Buffer => frame(frameType.headers, flag.endHeaders, id, headers);

/** What the nth frame of a flood is. */
const floods: readonly ((n: number) => Buffer)[] = [
  (n) => Buffer.concat([opened(2 * n + 1), frame(frameType.rstStream, 0, 2 * n + 1, four(8))]),
  () => frame(frameType.ping, 0, 0, Buffer.alloc(8)),
  () => frame(frameType.settings, 0, 0, Buffer.alloc(0)),
  () => frame(frameType.windowUpdate, 0, 0, four(1)),
  (n) => (n === 0 ? opened(1) : frame(frameType.data, 0, 1, Buffer.alloc(0))),
  (n) => opened(2 * n + 1),
  () => frame(0xbb, 0, 0, Buffer.alloc(1_000)),
];

function write(socket: Socket, bytes: Buffer): Promise<void> {
  return new Promise((resolve) => socket.write(bytes, () => resolve()));
}

/** Until the server hangs up or the time is over. */
async function flood(port: number, bytes: (n: number) => Buffer, until: number): Promise<void> {
  const socket = connect({ port, host: "127.0.0.1", localAddress: "127.0.0.2" });
  socket.on("error", () => {});
  socket.resume();
  const closed = new Promise<void>((resolve) => socket.once("close", () => resolve()));
  await Promise.race([closed, write(socket, connectionStart())]);
  for (let n = 0; !socket.destroyed && performance.now() < until; n += lump)
    await Promise.race([closed, write(socket, Buffer.concat(Array.from({ length: lump }, (_, at) => bytes(n + at))))]);
  socket.destroy();
  await closed;
}

answerParent(async ({ port, durationMs }: AttackJob): Promise<{ readonly floods: number }> => {
  const until = performance.now() + durationMs;
  let begun = 0;
  while (performance.now() < until) {
    const next = floods[begun % floods.length];
    begun += 1;
    if (next !== undefined) await flood(port, next, until);
  }
  return { floods: begun };
});
