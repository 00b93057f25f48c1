// Tells HTTP/2 with prior knowledge (RFC 9113 section 3.3) from HTTP/1.1 by the first bytes of a plaintext connection.
import type { Socket } from "node:net";

const preface = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");

/** No method of HTTP/1.1 begins like the preface. */
const decisiveBytes = 4;

/** Says once what the connection speaks. One that says nothing is cut off after `withinMs`. */
export function sniff(socket: Socket, withinMs: number, decide: (http2: boolean) => void): void {
  const timer = setTimeout(() => socket.destroy(), withinMs);
  const cleanUp = () => {
    clearTimeout(timer);
    socket.off("readable", look);
    socket.off("close", cleanUp);
  };
  let held = Buffer.alloc(0);
  const look = () => {
    const bytes: Buffer | null = socket.read();
    if (bytes === null) return;
    // Put back only at the end: bytes that are put back are readable again at once, and so for ever.
    held = Buffer.concat([held, bytes]);
    const head = held.subarray(0, decisiveBytes);
    const matches = preface.subarray(0, head.length).equals(head);
    if (matches && head.length < decisiveBytes) return;
    cleanUp();
    socket.unshift(held);
    decide(matches);
  };
  socket.on("readable", look);
  socket.on("close", cleanUp);
}
