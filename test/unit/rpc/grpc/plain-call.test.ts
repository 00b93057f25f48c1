// A plain call over a stream that does things in any order: what it takes it gives back, and it answers once at most.
import { EventEmitter } from "node:events";
import type { ServerHttp2Stream } from "node:http2";
import { setImmediate as turn } from "node:timers/promises";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { GatehouseError } from "../../../../src/kernel/errors.ts";
import type { Admission, Chain, Failure, Reply } from "../../../../src/rpc/chain.ts";
import { type Connection, createConnection } from "../../../../src/rpc/connections/connection.ts";
import { createHeld } from "../../../../src/rpc/connections/held.ts";
import { createUnread } from "../../../../src/rpc/connections/unread.ts";
import { PlainCall } from "../../../../src/rpc/grpc/plain-call.ts";
import type { MethodEntry } from "../../../../src/rpc/policy.ts";

const bounds = {
  maxStreams: 1,
  maxHeldBytes: 4_000,
  maxHeldBytesOfAll: 6_000,
  maxUnreadBytes: 60_000,
  maxUnreadBytesOfAll: 60_000,
};
const maxRequestBytes = 2_000;
const answerSizes = { small: 10, large: 40_000 } as const;

const failure = (reason: string): Failure =>
  ({ code: 3, reason, message: reason, status: new Uint8Array(0), retryAfterMs: undefined, metadata: {} }) as Failure;

/** As node:http2 has it: nothing may be sent on a stream that is gone, and only one answer on any. */
function createStream() {
  const emitter = new EventEmitter();
  let answers = 0;
  let tooLate = 0;
  const begin = (): void => {
    if (stream.destroyed) tooLate += 1;
    answers += 1;
  };
  const stream = Object.assign(emitter, {
    destroyed: false,
    closed: false,
    readableEnded: false,
    respond: begin,
    sendTrailers() {},
    end() {},
    close: () => over(),
  });
  function over(): void {
    if (stream.destroyed) return;
    stream.closed = true;
    stream.destroyed = true;
    emitter.emit("close");
  }
  return { stream, over, answers: () => answers, tooLate: () => tooLate };
}

/** Answers when it is told to, or at once. */
function createScriptedChain() {
  const waiting: (() => void)[] = [];
  const handled: number[] = [];
  let under = 0;
  const next = { late: false, bytes: 0, fails: false };
  const later = <T>(value: T): Promise<T> => {
    under += 1;
    return new Promise((resolve) => {
      waiting.push(() => {
        under -= 1;
        resolve(value);
      });
    });
  };
  const chain: Chain = {
    unary(_entry, _incoming, body): Reply | Promise<Reply> {
      handled.push(body.byteLength);
      const reply: Reply = next.fails ? { failure: failure("refused") } : { bytes: new Uint8Array(next.bytes) };
      return next.late ? later(reply) : reply;
    },
    admit: () => later({ refuse: ({ reason }) => later(failure(reason)) } as Pick<Admission, "refuse"> as Admission),
    failure: ({ reason }) => failure(reason),
    stream: () => {
      throw new Error("no stream");
    },
  };
  return { chain, next, handled, waiting, under: () => under };
}

const calls = 3;
const entry = { maxRequestBytes } as MethodEntry;

function createWorld() {
  const scripted = createScriptedChain();
  const connection: Connection = createConnection({ address: "x", certificate: undefined }, {} as never, {} as never);
  const held = createHeld(bounds);
  const unread = createUnread(bounds);
  const deps = { chain: scripted.chain, clock: { now: () => new Date(0) }, bounds, held, unread };
  const open = Array.from({ length: calls }, () => {
    const made = createStream();
    const stream = made.stream as unknown as ServerHttp2Stream;
    const call = new PlainCall(stream, {}, entry, connection, deps);
    call.read();
    return { ...made, call };
  });
  return { ...scripted, connection, unread, open };
}

type World = ReturnType<typeof createWorld>;
type Act = (world: World, at: number) => void;

function send({ open }: World, at: number, ...pieces: readonly Buffer[]): void {
  const { stream } = open[at] ?? {};
  for (const piece of pieces) if (stream?.destroyed === false && !stream.readableEnded) stream.emit("data", piece);
}

function end({ open }: World, at: number): void {
  const { stream } = open[at] ?? {};
  if (stream === undefined || stream.destroyed || stream.readableEnded) return;
  stream.readableEnded = true;
  stream.emit("end");
}

const prefix = Buffer.from([0, 0, 0, 0, 3]);
const body = Buffer.alloc(3);

/** What callers, the watch and the chain may do at any moment. */
const acts: Readonly<Record<string, Act>> = {
  piece: (world, at) => send(world, at, prefix),
  more: (world, at) => send(world, at, body),
  much: (world, at) => send(world, at, Buffer.alloc(1_500)),
  end,
  unended: (world, at) => send(world, at, Buffer.concat([prefix, body])),
  whole: (world, at) => {
    send(world, at, Buffer.concat([prefix, body]));
    end(world, at);
  },
  wholeInPieces: (world, at) => {
    send(world, at, prefix, body);
    end(world, at);
  },
  goneAway: ({ open }, at) => open[at]?.over(),
  expire: ({ open }, at) => open[at]?.call.expire(),
  refuse: ({ open }, at) => open[at]?.call.refuse(new GatehouseError("ENCODING_UNKNOWN")),
  goesOn: ({ waiting }) => waiting.shift()?.(),
  late: ({ next }) => {
    next.late = true;
  },
  atOnce: ({ next }) => {
    next.late = false;
  },
  large: ({ next }) => {
    next.bytes = answerSizes.large;
  },
  small: ({ next }) => {
    next.bytes = answerSizes.small;
  },
  fails: ({ next }) => {
    next.fails = !next.fails;
  },
};

const script = fc.array(fc.tuple(fc.constantFrom(...Object.keys(acts)), fc.nat({ max: calls - 1 })), { maxLength: 30 });

/** What the chain does when it goes on may begin more. */
async function goOn({ waiting }: World): Promise<void> {
  for (let rounds = 0; rounds < 4; rounds += 1) {
    for (const go of waiting.splice(0)) go();
    await turn();
  }
}

/** All that is under way comes to its end, while its callers wait for it or after they have gone. */
async function finish(world: World, patient: boolean): Promise<void> {
  if (patient) await goOn(world);
  for (const { over } of world.open) over();
  await goOn(world);
}

describe("a plain call", () => {
  it("RPC-06 gives back all that it took and answers once at most, whatever happens in whatever order", async () => {
    await fc.assert(
      fc.asyncProperty(script, fc.boolean(), async (steps, patient) => {
        const world = createWorld();
        for (const [name, at] of steps) {
          acts[name]?.(world, at);
          await turn();
          const { connection } = world;
          expect(connection.held).toBeLessThanOrEqual(bounds.maxHeldBytes);
          expect(connection.running).toBeLessThanOrEqual(bounds.maxStreams);
          expect(connection.unread).toBeLessThanOrEqual(bounds.maxUnreadBytes);
        }
        await finish(world, patient);
        const { connection, unread, open, handled, under } = world;
        expect([connection.running, connection.held, connection.unread, unread.bytes, under()]).toEqual([
          0, 0, 0, 0, 0,
        ]);
        for (const { answers, tooLate } of open) expect([Math.max(1, answers()), tooLate()]).toEqual([1, 0]);
        // Of requests that are one whole message of three bytes, and of no others.
        expect(handled.filter((bytes) => bytes !== 3)).toEqual([]);
      }),
      { numRuns: 500 },
    );
  });

  it("RPC-06 keeps nothing of a request that is too long, and says how long it may be", async () => {
    const world = createWorld();
    const [first] = world.open;
    for (let n = 0; n < 3; n += 1) first?.stream.emit("data", Buffer.alloc(1_500));
    await turn();
    for (let n = 0; n < 2; n += 1) {
      world.waiting.shift()?.();
      await turn();
    }
    expect([first?.answers(), world.handled]).toEqual([1, []]);
    first?.over();
    expect(world.connection.held).toBe(0);
  });
});
