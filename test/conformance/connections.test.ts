// Connections and the calls on them at a served port: what they may ask for, what they are cut off for, and what that leaves.
import { mkdtempSync, rmSync, statSync } from "node:fs";
import { type ClientHttp2Session, connect } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AuthService } from "@gatehouse/proto/gatehouse/auth/v1/auth_service_pb.js";
import { SecretsService } from "@gatehouse/proto/gatehouse/secrets/v1/secrets_service_pb.js";
import { afterEach, describe, expect, it } from "vitest";
import { type ConnectionBounds, usualBounds } from "../../src/rpc/connections/bounds.ts";
import { type GrpcDoor, openGrpcDoor } from "../../src/rpc/grpc.ts";
import { createFakeChain, type FakeChainOptions } from "../fakes/chain.ts";
import { allow, principalOf } from "../fakes/principal.ts";
import { openAttacker } from "../fixtures/http2/attacker.ts";
import * as frames from "../fixtures/http2/frames.ts";
import { callFields, headerBlock } from "../fixtures/http2/frames.ts";
import { noteUncaught } from "../fixtures/uncaught.ts";
import { call, framed, grpcHeaders, inItsTime, pathOf, patientDeadline, send } from "./door.ts";

const { whoAmI } = AuthService.method;
const { getSecret, putSecret } = SecretsService.method;
const bearer = { authorization: "Bearer good" };
const tokens = { good: principalOf({ grants: [allow("*", "")] }) };

const closing: (() => void | Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close();
});

async function openDoor(bounds: Partial<ConnectionBounds>, options: FakeChainOptions = {}): Promise<GrpcDoor> {
  const door = await openGrpcDoor({
    ...createFakeChain({ tokens, clock: { now: () => new Date() }, deadline: patientDeadline, ...options }),
    listen: { kind: "tcp", host: "127.0.0.1", port: 0 },
    bounds: { ...usualBounds, ...bounds },
  });
  closing.push(() => door.stop(0));
  return door;
}

function dial(door: GrpcDoor): ClientHttp2Session {
  const session = connect(`http://${door.address}`);
  session.on("error", () => {});
  closing.push(() => session.destroy());
  return session;
}

const gone = (session: ClientHttp2Session) => new Promise<void>((resolve) => session.once("close", () => resolve()));

function dialTcp(door: GrpcDoor): Promise<{ socket: Socket; refused: boolean }> {
  const { hostname, port } = new URL(`http://${door.address}`);
  const socket = connectTcp(Number(port), hostname);
  closing.push(() => void socket.destroy());
  socket.on("error", () => {});
  return new Promise((resolve) => {
    // Whoever is let in is told the server's SETTINGS.
    socket.once("data", () => resolve({ socket, refused: false }));
    socket.once("close", () => resolve({ socket, refused: true }));
  });
}

describe("places", () => {
  it("RPC-06 beyond those of an address are refused, and free again when one leaves", async () => {
    const door = await openDoor({ maxConnectionsPerAddress: 2 });
    const first = await dialTcp(door);
    expect([first.refused, (await dialTcp(door)).refused, (await dialTcp(door)).refused]).toEqual([false, false, true]);
    first.socket.destroy();
    await expect.poll(async () => (await dialTcp(door)).refused, inItsTime).toBe(false);
  });

  it("RPC-06 in all are refused beyond their number", async () => {
    const door = await openDoor({ maxConnections: 1 });
    expect((await dialTcp(door)).refused).toBe(false);
    expect((await dialTcp(door)).refused).toBe(true);
  });
});

describe("the address of a connection that broke the rules", () => {
  const { type, flag, frame, uint32 } = frames;
  const targetOf = (door: GrpcDoor) => {
    const { hostname: host, port } = new URL(`http://${door.address}`);
    return { host, port: Number(port) };
  };

  async function breakRules(door: GrpcDoor): Promise<void> {
    const attacker = await openAttacker(targetOf(door));
    await attacker.until(({ kind }) => kind === type.settings);
    await attacker.send(frame(type.windowUpdate, 0, 0, uint32(0)));
    await attacker.closed;
  }

  it("RPC-06 has its next ones begin when their time has come, and nobody else waits", async () => {
    const door = await openDoor({});
    await breakRules(door);
    const queue = await Promise.all(Array.from({ length: 40 }, () => openAttacker(targetOf(door))));
    closing.push(() => {
      for (const waiting of queue) waiting.end();
    });
    expect((await dialTcp(door)).refused).toBe(false);
    // The last of them has its turn after eight seconds.
    expect(queue.some(({ bytes }) => bytes === 0)).toBe(true);
    await Promise.any(queue.map((waiting) => waiting.until(({ kind }) => kind === type.settings)));
    expect(queue.every(({ open }) => open)).toBe(true);
  });

  it("RPC-06 has none of them begin that would wait too long, and the door closes without them", async () => {
    const door = await openDoor({ handshakeMs: 250 });
    await breakRules(door);
    const queue = await Promise.all(Array.from({ length: 10 }, () => openAttacker(targetOf(door))));
    const refused = await Promise.any(queue.map((waiting) => waiting.closed.then(() => waiting)));
    expect(refused.bytes).toBe(0);
    await door.stop(50);
    await Promise.all(queue.map(({ closed }) => closed));
  });

  it("RPC-06 may not make the door fall over calls that were gone before it looked at them", async () => {
    using fallen = noteUncaught();
    const door = await openDoor({});
    await breakRules(door);
    // Its bytes wait with it and are read in one go: calls, and what ends the connection.
    const attacker = await openAttacker(targetOf(door));
    const block = headerBlock(callFields(pathOf(whoAmI)));
    const calls = Array.from({ length: 20 }, (_, n) => frame(type.headers, flag.endHeaders, 2 * n + 1, block));
    await attacker.send(...calls, frame(type.windowUpdate, 0, 0, uint32(0)));
    await attacker.closed;
    expect(fallen.errors).toEqual([]);
    expect((await call({ session: dial(door) }, whoAmI, {}, bearer)).code).toBe(0);
  });
});

describe("handlers of one connection", () => {
  it("RPC-06 CVE-2023-44487 are never more than its streams, also when the calls are cancelled", async () => {
    let running = 0;
    let most = 0;
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = async () => {
      running += 1;
      most = Math.max(most, running);
      await promise;
      running -= 1;
      return {};
    };
    const door = await openDoor({ maxStreams: 10 }, { script: { "SecretsService/GetSecret": slow } });
    const session = dial(door);
    const headers = { ...grpcHeaders(pathOf(getSecret)), ...bearer };
    const cancelled = (n: number) =>
      send(session, headers, framed(getSecret, { path: "a" }), (stream) => {
        void expect
          .poll(() => most, { ...inItsTime, interval: 1 })
          .toBeGreaterThan(n)
          .then(() => stream.close(8));
      });
    for (let n = 0; n < 10; n += 1) await cancelled(n);
    const refused = await call({ session }, getSecret, { path: "a" }, bearer);
    expect(refused).toMatchObject({
      code: 8,
      trailersOnly: true,
      status: { info: { reason: "CONNECTION_OVERLOADED" } },
    });
    expect([running, most]).toEqual([10, 10]);

    const other = dial(door);
    expect((await call({ session: other }, whoAmI, {}, bearer)).code).toBe(0);

    resolve();
    await expect.poll(() => running, inItsTime).toBe(0);
    expect((await call({ session }, getSecret, { path: "a" }, bearer)).code).toBe(0);
  });
});

describe("a connection", () => {
  it("RPC-06 without the beginning of HTTP/2 is hung up on", async () => {
    const door = await openDoor({ handshakeMs: 50 });
    const { socket } = await dialTcp(door);
    await new Promise((resolve) => socket.once("close", resolve));
  });

  it("RPC-06 without a first call is told to go", async () => {
    const door = await openDoor({ firstCallMs: 50 });
    await gone(dial(door));
  });

  it("RPC-06 that was told to go and does not listen gives its place back all the same", async () => {
    const door = await openDoor({ firstCallMs: 50, maxConnections: 1 });
    const { hostname: host, port } = new URL(`http://${door.address}`);
    const deaf = await openAttacker({ host, port: Number(port), reads: false });
    closing.push(() => deaf.end());
    await expect.poll(async () => (await dialTcp(door)).refused, inItsTime).toBe(false);
    expect(deaf.open).toBe(true);
  });

  it("RPC-06 that has become idle is told to go, and one with a call is not", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    const slow = () => promise.then(() => ({}));
    const door = await openDoor({ idleMs: 50 }, { script: { "SecretsService/GetSecret": slow } });
    const busy = dial(door);
    const answer = call({ session: busy }, getSecret, { path: "a" }, bearer);
    const idle = dial(door);
    expect((await call({ session: idle }, whoAmI, {}, bearer)).code).toBe(0);
    await gone(idle);
    resolve();
    expect((await answer).code).toBe(0);
  });
});

describe("the drain", () => {
  it("RPC-04 is over in its time, also when somebody does not listen", async () => {
    const door = await openDoor({});
    const { hostname: host, port } = new URL(`http://${door.address}`);
    const deaf = await openAttacker({ host, port: Number(port), reads: false });
    closing.push(() => deaf.end());
    // Seen by the door before the drain begins.
    expect((await dialTcp(door)).refused).toBe(false);
    await door.stop(50);
  });
});

describe("a call", () => {
  it("RPC-06 whose request does not come in time is refused with a reason, and recorded", async () => {
    const door = await openDoor({ requestMs: 50 });
    const session = dial(door);
    const stream = session.request({ ...grpcHeaders(pathOf(whoAmI)), ...bearer }, { endStream: false });
    stream.on("error", () => {});
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
    expect(headers["grpc-status"]).toBe("4");
    await new Promise((resolve) => stream.once("close", resolve));
  });

  it("RPC-06 that came late and without a credential is refused as the missing credential it is", async () => {
    const door = await openDoor({ requestMs: 50 });
    const stream = dial(door).request(grpcHeaders(pathOf(whoAmI)), { endStream: false });
    stream.on("error", () => {});
    const headers = await new Promise<Record<string, unknown>>((resolve) => stream.once("response", resolve));
    expect(headers["grpc-status"]).toBe("16");
  });

  it.each([
    ["as it is", []],
    ["compressed", [["grpc-encoding", "gzip"] as const]],
  ])("RPC-06 whose request comes in pieces, %s, has room only while others do not", async (_what, encoding) => {
    const door = await openDoor({ maxHeldBytes: 40_000, requestMs: 60_000 });
    const { hostname: host, port } = new URL(`http://${door.address}`);
    const caller = await openAttacker({ host, port: Number(port) });
    const fields = callFields(pathOf(putSecret), [["authorization", "Bearer good"], ...encoding]);
    const open = (id: number) => frames.frame(frames.type.headers, frames.flag.endHeaders, id, headerBlock(fields));
    const byte = (id: number, value: number) => frames.frame(frames.type.data, 0, id, Buffer.from([value]));
    const endOf = (id: number) =>
      caller.until(
        (got) => got.streamId === id && got.kind === frames.type.headers && (got.flags & frames.flag.endStream) > 0,
      );
    // A prefix that promises 64 KiB, and a hundred bytes of them: each costs what it holds.
    const begun = (id: number, bytes: number) =>
      [0, 0, 0, 0xff, 0xff, ...Array(bytes).fill(0)].map((value) => byte(id, value));
    await caller.send(open(1), ...begun(1, 100), open(3), ...begun(3, 100));
    expect(await endOf(3)).toBeDefined();
    expect(caller.received.some(({ streamId }) => streamId === 1)).toBe(false);
    // The first one goes, and there is room again.
    await caller.send(frames.frame(frames.type.rstStream, 0, 1, frames.uint32(8)), open(5), ...begun(5, 100));
    await caller.send(frames.frame(frames.type.ping, 0, 0, Buffer.alloc(8)));
    await caller.until(({ kind }) => kind === frames.type.ping);
    expect(caller.received.some(({ streamId }) => streamId === 5)).toBe(false);
    caller.end();
  });

  it("RPC-06 has room for its answer only while others are read", async () => {
    const large = { value: Buffer.alloc(300_000) };
    const door = await openDoor(
      { maxUnreadBytes: 500_000 },
      { script: { "SecretsService/GetSecret": async () => large } },
    );
    const session = connect(`http://${door.address}`, { settings: { initialWindowSize: 0 } });
    session.on("error", () => {});
    closing.push(() => session.destroy());
    const unread = session.request({ ...grpcHeaders(pathOf(getSecret)), ...bearer });
    unread.on("error", () => {});
    unread.end(framed(getSecret, { path: "a" }));
    await new Promise((resolve) => unread.once("response", resolve));
    const second = await call({ session }, getSecret, { path: "a" }, bearer);
    expect(second).toMatchObject({ code: 8, status: { info: { reason: "ANSWERS_UNREAD" } } });
    unread.close(8);
    await new Promise((resolve) => unread.once("close", resolve));
    const third = session.request({ ...grpcHeaders(pathOf(getSecret)), ...bearer });
    third.on("error", () => {});
    third.end(framed(getSecret, { path: "a" }));
    const headers = await new Promise<Record<string, unknown>>((resolve) => third.once("response", resolve));
    expect(headers["grpc-status"]).toBeUndefined();
  });

  it("RPC-06 whose answer nobody reads is ended", async () => {
    const large = { value: Buffer.alloc(300_000) };
    const door = await openDoor({ answerMs: 50 }, { script: { "SecretsService/GetSecret": async () => large } });
    const session = connect(`http://${door.address}`, { settings: { initialWindowSize: 0 } });
    session.on("error", () => {});
    closing.push(() => session.destroy());
    const stream = session.request({ ...grpcHeaders(pathOf(getSecret)), ...bearer });
    stream.on("error", () => {});
    stream.end(framed(getSecret, { path: "a" }));
    await new Promise((resolve) => stream.once("close", resolve));
    expect(stream.rstCode).toBe(8);
  });
});

describe("a Unix socket", () => {
  const directory = mkdtempSync(join(tmpdir(), "gatehouse-socket-"));
  const path = join(directory, "grpc.sock");

  it("RPC-06 gets the mode and the group that it is given", async () => {
    const door = await openGrpcDoor({
      ...createFakeChain(),
      listen: { kind: "unix", path },
      socketFile: { mode: 0o660, group: String(process.getgid?.() ?? 0) },
    });
    expect(statSync(path)).toMatchObject({ gid: process.getgid?.() });
    expect(statSync(path).mode & 0o777).toBe(0o660);
    await door.stop(0);
    rmSync(directory, { recursive: true });
  });
});
