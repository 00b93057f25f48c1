// Attacks by calls and by connections: too many, too slow, too large, or no HTTP/2 at all.
import { gzipSync } from "node:zlib";
import { expect } from "vitest";
import { type Attacker, openAttacker } from "../fixtures/http2/attacker.ts";
import { callFields, flag, frame, headerBlock, message, type } from "../fixtures/http2/frames.ts";
import { whoAmI } from "./frame-attacks.ts";
import type { Target } from "./server.ts";

const login = "/gatehouse.auth.v1.AuthService/Login";
const putSecret = "/gatehouse.secrets.v1.SecretsService/PutSecret";
const windowSize = 4;
const streamId = (n: number) => 2 * n + 1;
const bearing = ({ token }: Target) => ["authorization", `Bearer ${token}`] as const;

function headersOf(id: number, path: string, more: readonly (readonly [string, string])[] = [], flags = 0): Buffer {
  return frame(type.headers, flag.endHeaders | flags, id, headerBlock(callFields(path, more)));
}

/** DATA frames of a body, as large as the server takes them. */
function dataOf(id: number, body: Uint8Array): Buffer[] {
  const frames: Buffer[] = [];
  for (let at = 0; at < body.byteLength; at += 16_384)
    frames.push(frame(type.data, 0, id, body.subarray(at, at + 16_384)));
  frames.push(frame(type.data, flag.endStream, id));
  return frames;
}

const answered = (id: number) => (got: { kind: number; streamId: number }) =>
  got.streamId === id && (got.kind === type.headers || got.kind === type.rstStream);

async function endsBy(attacker: Attacker): Promise<void> {
  attacker.end();
  await attacker.closed;
}

const nothing = message(new Uint8Array(0));

export const callAttacks: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  "RPC-06 a connection that says nothing": async (target) => {
    const attacker = await openAttacker({ ...target, silent: true });
    await attacker.closed;
  },

  "RPC-06 a connection that makes no call": async (target) => {
    const attacker = await openAttacker(target);
    await attacker.closed;
    expect(attacker.goaway).toBe(0);
  },

  "RPC-06 headers that stop in the middle": async (target) => {
    const attacker = await openAttacker(target);
    await attacker.send(frame(type.headers, 0, 1, headerBlock(callFields(whoAmI))));
    await attacker.closed;
  },

  "RPC-06 a preface byte by byte": async (target) => {
    const attacker = await openAttacker({ ...target, silent: true });
    for (const byte of "PRI * HTTP/2.0") await attacker.send(Buffer.from(byte));
    await attacker.closed;
  },

  "RPC-06 requests that do not come to an end": async (target) => {
    const attacker = await openAttacker(target);
    const ids = Array.from({ length: 100 }, (_, n) => streamId(n));
    for (const id of ids)
      await attacker.send(headersOf(id, whoAmI, [bearing(target)]), frame(type.data, 0, id, nothing.subarray(0, 3)));
    for (const id of ids) expect(await attacker.until(answered(id))).toMatchObject({ kind: type.headers });
    await endsBy(attacker);
  },

  "RPC-06 answers that nobody reads": async (target) => {
    // A window of nothing: no byte of an answer's body may leave.
    const attacker = await openAttacker({ ...target, settings: [[windowSize, 0]] });
    for (let n = 0; n < 90; n += 1)
      await attacker.send(headersOf(streamId(n), whoAmI, [bearing(target)]), ...dataOf(streamId(n), nothing));
    for (let n = 0; n < 90; n += 1) {
      const reset = await attacker.until((got) => got.kind === type.rstStream && got.streamId === streamId(n));
      expect(reset?.payload.readUInt32BE(0)).toBe(8);
    }
    await endsBy(attacker);
  },

  "RPC-06 a socket that nobody reads": async (target) => {
    const attacker = await openAttacker({ ...target, reads: false, settings: [[windowSize, 0x7fff_ffff]] });
    for (let n = 0; n < 90; n += 1)
      await attacker.send(headersOf(streamId(n), whoAmI, [bearing(target)]), ...dataOf(streamId(n), nothing));
    await endsBy(attacker);
  },

  "RPC-07 messages that unpack to a thousand times their size": async (target) => {
    const attacker = await openAttacker(target);
    const bomb = message(gzipSync(Buffer.alloc(16 * 1024 * 1024)), 1);
    for (let n = 0; n < 40; n += 1) {
      const id = streamId(n);
      await attacker.send(headersOf(id, putSecret, [bearing(target), ["grpc-encoding", "gzip"]]), ...dataOf(id, bomb));
      expect(await attacker.until(answered(id))).toBeDefined();
    }
    await endsBy(attacker);
  },

  "RPC-06 a frame of 16 KiB full of empty messages, on each of many calls": async (target) => {
    const attacker = await openAttacker(target);
    const many = Buffer.alloc(16_380);
    for (let n = 0; n < 90; n += 1)
      await attacker.send(headersOf(streamId(n), whoAmI, [bearing(target)]), frame(type.data, 0, streamId(n), many));
    for (let n = 0; n < 90; n += 1) expect(await attacker.until(answered(streamId(n)))).toBeDefined();
    await endsBy(attacker);
  },

  "RPC-06 requests in pieces of one byte, from nobody": async (target) => {
    const attacker = await openAttacker(target);
    const piece = (id: number, value: number) => frame(type.data, 0, id, Buffer.from([value]));
    for (let n = 0; n < 40; n += 1) {
      const id = streamId(n);
      const zeros = Buffer.concat(Array.from({ length: 5_000 }, () => piece(id, 0)));
      await attacker.send(headersOf(id, putSecret), ...[0, 0, 3, 0, 0].map((value) => piece(id, value)), zeros);
    }
    // Beyond what the connection may keep, requests are refused, and the others when their time is over.
    for (let n = 0; n < 40; n += 1) expect(await attacker.until(answered(streamId(n)))).toBeDefined();
    await endsBy(attacker);
  },

  "RPC-06 a message that says it is 4 GiB, and metadata without end": async (target) => {
    const attacker = await openAttacker(target);
    const lie = message(Buffer.alloc(10), 0, 0xffff_ffff);
    const long = Array.from({ length: 40 }, (_, n) => [`x-${n}`, "x".repeat(300)] as const);
    for (let n = 0; n < 90; n += 2) {
      await attacker.send(headersOf(streamId(n), putSecret, [bearing(target)]), frame(type.data, 0, streamId(n), lie));
      await attacker.send(headersOf(streamId(n + 1), whoAmI, long, flag.endStream));
    }
    for (let n = 0; n < 90; n += 1) expect(await attacker.until(answered(streamId(n)))).toBeDefined();
    await endsBy(attacker);
  },

  "RPC-06 logins that are cancelled as soon as they are begun": async (target) => {
    const attacker = await openAttacker(target);
    const body = message(Buffer.from("\n\u0003eve\u0012\u0014a password, a long one"));
    for (let n = 0; n < 400 && attacker.open; n += 1) {
      const id = streamId(n);
      await attacker.send(
        headersOf(id, login),
        ...dataOf(id, body),
        frame(type.rstStream, 0, id, Buffer.from([0, 0, 0, 8])),
      );
    }
    await endsBy(attacker);
  },

  "RPC-06 connections beyond what an address may have": async (target) => {
    const attackers = await Promise.all(Array.from({ length: 100 }, () => openAttacker({ ...target, silent: true })));
    // Those without a place are hung up on at once, the others when they have said nothing for too long.
    await Promise.all(attackers.map(({ closed }) => closed));
    expect(attackers.every(({ bytes }) => bytes < 200)).toBe(true);
  },

  "RPC-06 connections one after the other": async (target) => {
    for (let round = 0; round < 20; round += 1) {
      const attackers = await Promise.all(Array.from({ length: 20 }, () => openAttacker(target)));
      for (const attacker of attackers) attacker.end();
      await Promise.all(attackers.map(({ closed }) => closed));
    }
  },

  "RPC-06 bytes that are no HTTP/2": async (target) => {
    for (const bytes of [
      "GET / HTTP/1.1\r\nhost: x\r\n\r\n",
      "\u0016\u0003\u0001\u0002\u0000",
      "\0".repeat(5_000),
      "x".repeat(100_000),
    ]) {
      const attacker = await openAttacker({ ...target, silent: true });
      await attacker.send(Buffer.from(bytes, "latin1"));
      await attacker.closed;
    }
  },
};
