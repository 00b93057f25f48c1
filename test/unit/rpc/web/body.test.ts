// Requests are read no further than they may be long.
import { EventEmitter } from "node:events";
import { Readable } from "node:stream";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { type Call, decompress, readBody } from "../../../../src/rpc/web/body.ts";
import { envelope, onlyEnvelope, openEnvelopes } from "../../../../src/rpc/web/envelopes.ts";

/** A request whose body comes in the given pieces; `pulled` counts how many were taken. */
function requestOf(pieces: Iterable<Uint8Array>) {
  const taken = { pieces: 0 };
  function* counted() {
    for (const piece of pieces) {
      taken.pieces += 1;
      yield piece;
    }
  }
  const request = Object.assign(Readable.from(counted(), { objectMode: true, highWaterMark: 1 }), { rawHeaders: [] });
  return { taken, call: { request, response: new EventEmitter() } as unknown as Call };
}

function* endless(): Generator<Uint8Array> {
  for (;;) yield Buffer.alloc(1024);
}

async function* piecesOf(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let from = 0;
  for (const cut of [...new Set(cuts.map((at) => at % (bytes.length + 1)))].sort((a, b) => a - b)) {
    yield bytes.subarray(from, cut);
    from = cut;
  }
  yield bytes.subarray(from);
}

const reason = (thrown: unknown) => (thrown as { reason?: string }).reason;

describe("a body", () => {
  it("RPC-06 without an end is read as far as its limit", async () => {
    const { taken, call } = requestOf(endless());
    const refused = await readBody(call, "identity", { maxBytes: 10 * 1024, withinMs: 60_000 }).catch(reason);
    expect(refused).toBe("REQUEST_TOO_LARGE");
    expect(taken.pieces).toBeLessThan(20);
  });

  it("RPC-07 is inflated as far as its limit", async () => {
    const bomb = gzipSync(Buffer.alloc(1024 * 1024));
    expect(await decompress(bomb, "gzip", 64 * 1024).catch(reason)).toBe("REQUEST_TOO_LARGE");
    expect((await decompress(bomb, "gzip", 1024 * 1024)).byteLength).toBe(1024 * 1024);
    expect(await decompress(bomb.subarray(0, 100), "gzip", 1024 * 1024).catch(reason)).toBe("REQUEST_MALFORMED");
  });

  it("has its caller's time to come", async () => {
    const never = new Readable({ read: () => {} });
    const call = { request: Object.assign(never, { rawHeaders: [] }), response: new EventEmitter() } as unknown as Call;
    const late = readBody(call, "identity", { maxBytes: 10, withinMs: 1 });
    expect(await late.catch(reason)).toBe("DEADLINE_EXCEEDED");
    const left = readBody(call, "identity", { maxBytes: 10, withinMs: 60_000 });
    (call.response as unknown as EventEmitter).emit("close");
    expect(await left.catch(reason)).toBe("CANCELLED");
  });
});

describe("envelopes", () => {
  const bounds = { encoding: "identity", maxBytes: 1024 } as const;

  it("hold the same messages in whatever pieces they come", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 200 }), { maxLength: 8 }),
        fc.array(fc.nat(2_000)),
        async (messages, cuts) => {
          const bytes = Buffer.concat(messages.map((message) => envelope(0, message)));
          const opened: number[][] = [];
          for await (const message of openEnvelopes(piecesOf(bytes, cuts), bounds)) opened.push([...message]);
          expect(opened).toEqual(messages.map((message) => [...message]));
        },
      ),
    );
  });

  it("that end before their message does are refused", async () => {
    await fc.assert(
      fc.asyncProperty(fc.uint8Array({ minLength: 1, maxLength: 50 }), fc.nat(), async (message, at) => {
        const whole = envelope(0, message);
        const part = whole.subarray(0, 1 + (at % (whole.length - 1)));
        expect(await onlyEnvelope(openEnvelopes(piecesOf(part, []), bounds)).catch(reason)).toBe("REQUEST_MALFORMED");
      }),
    );
  });

  it("RPC-06 longer than the limit are refused by their head alone", async () => {
    const head = envelope(0, Buffer.alloc(1025)).subarray(0, 5);
    async function* headOnly(): AsyncGenerator<Uint8Array> {
      yield head;
      throw new Error("read on");
    }
    expect(await onlyEnvelope(openEnvelopes(headOnly(), bounds)).catch(reason)).toBe("REQUEST_TOO_LARGE");
  });
});
