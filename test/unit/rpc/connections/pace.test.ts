import { describe, expect, it } from "vitest";
import { createPace } from "../../../../src/rpc/connections/pace.ts";

function paceAt() {
  const time = { now: 0 };
  return { time, pace: createPace({ monotonic: () => time.now, longestMs: 500 }) };
}

const misbehaving = "192.0.2.1";

describe("the pace of an address", () => {
  it("RPC-06 is its own while nobody there has misbehaved", () => {
    const { pace } = paceAt();
    expect([pace.turn(misbehaving), pace.turn(misbehaving), pace.turn(misbehaving)]).toEqual([0, 0, 0]);
  });

  it("RPC-06 is one connection after the other once somebody has, and nobody waits longer than is said", () => {
    const { pace } = paceAt();
    pace.blame(misbehaving);
    const turns = Array.from({ length: 4 }, () => pace.turn(misbehaving));
    expect(turns).toEqual([200, 400, undefined, undefined]);
    expect(pace.turn("192.0.2.2")).toBe(0);
  });

  it("RPC-06 holds for the whole /64 of an IPv6 address", () => {
    const { pace } = paceAt();
    pace.blame("2001:db8::1");
    expect(pace.turn("2001:db8::ffff")).toBe(200);
    expect(pace.turn("2001:db8:0:1::1")).toBe(0);
  });

  it("RPC-06 is not hastened by being blamed again", () => {
    const { pace } = paceAt();
    pace.blame(misbehaving);
    expect(pace.turn(misbehaving)).toBe(200);
    pace.blame(misbehaving);
    expect(pace.turn(misbehaving)).toBe(400);
  });

  it("RPC-06 is its own again when it has behaved for a while", () => {
    const { pace, time } = paceAt();
    pace.blame(misbehaving);
    time.now = 9_999;
    expect([pace.turn(misbehaving), pace.turn(misbehaving)]).toEqual([0, 200]);
    time.now = 10_500;
    expect([pace.turn(misbehaving), pace.turn(misbehaving)]).toEqual([0, 0]);
  });

  it("RPC-06 is never that of a Unix socket, behind which are many", () => {
    const { pace } = paceAt();
    pace.blame("unix");
    expect(pace.turn("unix")).toBe(0);
  });
});
