// Attacks by frames of HTTP/2: what research on servers found in the last years, each bounded in count, each with how the
// server is seen to end it.
import { expect } from "vitest";
import { pause } from "../../src/postgres/embedded/postmaster.ts";
import { type Attacker, openAttacker } from "../fixtures/http2/attacker.ts";
import { callFields, flag, frame, headerBlock, settings, type, uint32 } from "../fixtures/http2/frames.ts";
import type { Target } from "./server.ts";

export const whoAmI = "/gatehouse.auth.v1.AuthService/WhoAmI";

const headers = headerBlock(callFields(whoAmI));
const openStream = (id: number) => frame(type.headers, flag.endHeaders, id, headers);
const streamId = (n: number) => 2 * n + 1;

/** Writes `count` times what `bytes` makes, in lumps, until the server hangs up. */
async function flood(attacker: Attacker, count: number, bytes: (n: number) => Uint8Array): Promise<void> {
  const lump = 500;
  for (let n = 0; n < count && attacker.open; n += lump)
    await attacker.send(...Array.from({ length: Math.min(lump, count - n) }, (_, at) => bytes(n + at)));
}

const ping = frame(type.ping, 0, 0, Buffer.alloc(8));

/** Who reads nothing learns from a write that the other side is gone, and a slow server may go after the last write of a flood. */
async function knock(attacker: Attacker): Promise<void> {
  for (let n = 0; n < 1_000 && attacker.open; n += 1) {
    await attacker.send(ping);
    await pause(20);
  }
}

async function hungUpOn(
  target: Target,
  act: (attacker: Attacker) => Promise<void>,
  options: { readonly codes?: readonly number[]; readonly reads?: boolean } = {},
): Promise<void> {
  const attacker = await openAttacker({ ...target, reads: options.reads ?? true });
  await act(attacker);
  if (options.reads === false) await knock(attacker);
  await attacker.closed;
  if (options.codes !== undefined && attacker.goaway !== undefined) expect(options.codes).toContain(attacker.goaway);
}

const protocolError = 1;
const flowControlError = 3;
const enhanceYourCalm = 11;

export const frameAttacks: Readonly<Record<string, (target: Target) => Promise<void>>> = {
  "RPC-06 CVE-2023-44487 streams that are reset as soon as they are open": (target) =>
    hungUpOn(target, (attacker) =>
      flood(attacker, 20_000, (n) =>
        Buffer.concat([openStream(streamId(n)), frame(type.rstStream, 0, streamId(n), uint32(8))]),
      ),
    ),

  "RPC-06 CVE-2025-8671 streams that the server is made to reset": (target) =>
    hungUpOn(target, (attacker) =>
      flood(attacker, 20_000, (n) =>
        Buffer.concat([openStream(streamId(n)), frame(type.windowUpdate, 0, streamId(n), uint32(0))]),
      ),
    ),

  "RPC-06 CVE-2024-27316 headers that never end": (target) =>
    hungUpOn(target, async (attacker) => {
      await attacker.send(frame(type.headers, 0, 1, headers));
      const filler = headerBlock([["x-filler", "x".repeat(1_000)]]);
      await flood(attacker, 10_000, () => frame(type.continuation, 0, 1, filler));
    }),

  "RPC-06 headers that refer to one long field again and again": (target) =>
    hungUpOn(target, async (attacker) => {
      const long = Buffer.concat([Buffer.from([0x40, 1, 0x78, 0x7f, 0xa1, 0x1e]), Buffer.alloc(4_000, 0x61)]);
      const block = Buffer.concat([headers, long, Buffer.alloc(12_000, 0xbe)]);
      await flood(attacker, 300, (n) => frame(type.headers, flag.endHeaders | flag.endStream, streamId(n), block));
      attacker.end();
    }),

  "RPC-06 CVE-2019-9512 pings": (target) =>
    hungUpOn(target, (attacker) => flood(attacker, 50_000, () => ping), { codes: [enhanceYourCalm] }),

  "RPC-06 CVE-2019-9512 pings whose answers nobody reads": (target) =>
    hungUpOn(target, (attacker) => flood(attacker, 50_000, () => ping), { reads: false }),

  "RPC-06 CVE-2019-9515 settings": (target) =>
    hungUpOn(target, (attacker) => flood(attacker, 50_000, () => settings([3, 100])), { codes: [enhanceYourCalm] }),

  "RPC-06 CVE-2020-11080 settings with more entries than there are": (target) =>
    hungUpOn(target, (attacker) =>
      attacker.send(settings(...Array.from({ length: 2_000 }, (_, n) => [n + 1_000, n] as const))),
    ),

  "RPC-06 CVE-2019-9517 window updates": (target) =>
    hungUpOn(target, (attacker) => flood(attacker, 400_000, () => frame(type.windowUpdate, 0, 0, uint32(1)))),

  "RPC-06 a window that overflows": (target) =>
    hungUpOn(target, (attacker) => flood(attacker, 2, () => frame(type.windowUpdate, 0, 0, uint32(0x7fff_ffff))), {
      codes: [flowControlError],
    }),

  "RPC-06 CVE-2019-9513 priorities": (target) =>
    hungUpOn(target, (attacker) =>
      flood(attacker, 400_000, (n) => frame(type.priority, 0, streamId(n % 1_000), Buffer.from([0, 0, 0, 0, 1]))),
    ),

  "RPC-06 CVE-2019-9518 data frames without data": (target) =>
    hungUpOn(target, async (attacker) => {
      await attacker.send(openStream(1));
      await flood(attacker, 50_000, () => frame(type.data, 0, 1));
    }),

  "RPC-06 data frames of padding": (target) =>
    hungUpOn(target, async (attacker) => {
      await attacker.send(openStream(1));
      const padding = Buffer.concat([Buffer.from([200]), Buffer.alloc(200)]);
      await flood(attacker, 20_000, () => frame(type.data, flag.padded, 1, padding));
      attacker.end();
    }),

  "RPC-06 frames of a type that nobody knows": (target) =>
    hungUpOn(target, (attacker) => flood(attacker, 20_000, () => frame(0xbb, 0, 0, Buffer.alloc(200)))),

  "RPC-06 a frame longer than was agreed": (target) =>
    hungUpOn(target, (attacker) => attacker.send(frame(type.data, 0, 1, Buffer.alloc(20_000)))),

  "RPC-06 data for a stream that was never open": (target) =>
    hungUpOn(target, (attacker) => attacker.send(frame(type.data, 0, 7, Buffer.alloc(10))), { codes: [protocolError] }),

  "RPC-06 more streams than are allowed, none of them finished": async (target) => {
    const attacker = await openAttacker(target);
    await flood(attacker, 1_000, (n) => openStream(streamId(n)));
    const refused = await attacker.until(({ kind }) => kind === type.rstStream || kind === type.goaway);
    expect(refused).toBeDefined();
    attacker.end();
    await attacker.closed;
  },
};
